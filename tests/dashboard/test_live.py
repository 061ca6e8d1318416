"""GET /live/…: the number of new messages for one query of one user."""

import pytest

from messages.models import Instance, Message, UserLimit


def live_url(page):
    return page.context["live_url"]


def test_live_url_without_new_messages_returns_204(viewer, report):
    report("SENT")
    answer = viewer.get(live_url(viewer.get("/")))
    assert (answer.status_code, answer.content) == (204, b"")


def test_live_url_counts_new_messages_that_match_the_filters(viewer, report):
    report("SENT", id="A")
    url = live_url(viewer.get("/?view=failed&period=30d"))
    report("SENT", id="B")
    assert viewer.get(url).status_code == 204
    url = live_url(viewer.get("/?period=30d"))
    report("SENT", id="C")
    report("SENT", id="D")
    page = viewer.get(url).content.decode()
    assert "2 new messages" in page
    assert 'href="/?period=30d"' in page


def test_live_url_with_a_known_count_returns_204(viewer, report):
    url = live_url(viewer.get("/"))
    report("SENT")
    assert viewer.get(url).status_code == 200
    assert viewer.get(url, {"known": "1-0"}).status_code == 204
    report("SENT", id="B")
    assert "2 new messages" in viewer.get(url, {"known": "1-0"}).content.decode()


def test_message_with_a_new_status_is_counted_as_changed(viewer, report):
    report("SENT", minutes_ago=1)
    url = live_url(viewer.get("/?period=30d"))
    report("SENT", "RECEIVED")
    page = viewer.get(url).content.decode()
    assert "1 message changed" in page
    assert 'href="/?period=30d"' in page
    assert viewer.get(url, {"known": "0-1"}).status_code == 204


def test_repeated_status_is_no_change(viewer, report):
    report("SENT", momment=1763816400000)
    url = live_url(viewer.get("/?period=all"))
    report("SENT", momment=1763816400000)
    assert viewer.get(url).status_code == 204


def test_new_and_changed_messages_are_counted_together(viewer, report):
    report("SENT", minutes_ago=1)
    url = live_url(viewer.get("/"))
    report("SENT", "RECEIVED")
    report("SENT", id="NEW")
    assert "1 new, 1 changed" in viewer.get(url).content.decode()


def test_another_reader_in_a_group_is_a_change(viewer, report):
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("READ", participant="5511987654321", minutes_ago=20, **group)
    url = live_url(viewer.get("/"))
    report("READ", participant="5511987650000", **group)
    assert "1 message changed" in viewer.get(url).content.decode()


def test_stuck_message_that_is_delivered_is_counted_as_changed(viewer, report):
    report("SENT", minutes_ago=90)
    url = live_url(viewer.get("/?view=stuck"))
    report("SENT", id="NEW")
    assert viewer.get(url).status_code == 204
    report("RECEIVED")
    assert "1 message changed" in viewer.get(url).content.decode()


def test_deleted_messages_are_no_change(viewer, report):
    report("SENT")
    url = live_url(viewer.get("/"))
    Message.objects.all().delete()
    assert viewer.get(url).status_code == 204
    report("SENT", id="NEW")
    assert "1 new message" in viewer.get(url).content.decode()


def test_live_url_query_count_is_fixed(viewer, report, django_assert_num_queries):
    report("SENT")
    url = live_url(viewer.get("/"))
    # Queries: session, user, user permissions, group permissions, limits, messages.
    with django_assert_num_queries(6):
        viewer.get(url)


def test_new_user_limit_applies_to_an_open_page(viewer, support, report, account):
    url = live_url(viewer.get("/"))
    report("SENT")
    assert viewer.get(url).status_code == 200
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=support, instance=other)
    assert viewer.get(url).status_code == 204


def test_removed_user_limit_applies_to_an_open_page(viewer, support, report, account):
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    limit = UserLimit.objects.create(user=support, instance=other)
    url = live_url(viewer.get("/"))
    report("SENT")
    limit.delete()
    assert viewer.get(url).status_code == 200


def test_live_url_after_the_role_is_removed_returns_403(viewer, support, report):
    url = live_url(viewer.get("/"))
    report("SENT")
    support.groups.clear()
    assert viewer.get(url).status_code == 403


def test_live_url_of_a_deactivated_user_redirects_to_sign_in(viewer, support, report):
    url = live_url(viewer.get("/"))
    report("SENT")
    support.is_active = False
    support.save()
    assert viewer.get(url).status_code == 302


def test_live_url_ignores_instances_outside_the_users_limits(viewer, support, report, account):
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=support, instance=other)
    url = live_url(viewer.get("/"))
    report("SENT")
    assert viewer.get(url).status_code == 204


def test_live_url_of_another_user_is_not_found(viewer, admin_client, instance):
    assert admin_client.get(live_url(viewer.get("/"))).status_code == 404


def test_live_url_expires(viewer, instance, monkeypatch):
    url = live_url(viewer.get("/"))
    monkeypatch.setattr("messages.dashboard.messages.new_messages.MAX_AGE", -1)
    assert viewer.get(url).status_code == 404


@pytest.mark.parametrize("address", ["/?q=3EB0A1", "/?until=2026-01-01T00:00Z"])
def test_page_that_cannot_get_new_messages_does_not_poll(viewer, report, address):
    report("SENT")
    page = viewer.get(address)
    assert not live_url(page)
    assert "js/live.js" not in page.content.decode()


@pytest.mark.parametrize("sealed", ["x", "a:b:c", "%00"])
def test_invalid_live_url_is_not_found(viewer, sealed):
    assert viewer.get(f"/live/{sealed}/").status_code == 404
