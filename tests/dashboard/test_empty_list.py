"""The text and links of an empty message list."""

import pytest
from django.urls import reverse
from django.utils import timezone

from messages.jobs.follow_ups import follow_up
from messages.models import Instance, Label
from tests.plugins.pages import shown

HOME = "/"


def test_list_without_instances_says_to_ask_an_administrator(viewer):
    page = viewer.get(HOME)
    assert page.context["nothing"] == "no instance"
    assert "Ask an administrator" in page.content.decode()


def test_list_without_instances_links_admins_to_the_add_form(admin_client):
    assert reverse("dashboard:instance-add") in admin_client.get(HOME).content.decode()


def test_list_without_callbacks_shows_the_webhook_url_to_admins_only(
    viewer, admin_client, instance
):
    page = viewer.get(HOME)
    assert page.context["nothing"] == "nothing heard"
    assert "/webhooks/zapi/" not in page.content.decode()
    assert "https://board.example.com/webhooks/zapi/" in admin_client.get(HOME).content.decode()


def test_list_without_callbacks_shows_at_most_five_webhook_urls(admin_client, instance):
    others = [Instance(account=instance.account, name=str(n), zapi_id=f"I{n}") for n in range(9)]
    Instance.objects.bulk_create(others)
    page = admin_client.get(HOME).text
    assert page.count("https://board.example.com/webhooks/zapi/") == 5
    assert "Each instance’s page shows its URL." in page


def test_search_without_results_gives_advice(viewer, report):
    report("SENT")
    page = viewer.get(HOME, {"q": "+55 11 91111-1111"})
    assert page.context["nothing"] == "no match"
    assert "last 8 digits" in page.content.decode()


@pytest.mark.parametrize("narrowed", ["view=failed", "instance=999", "since=2020-01-01T00:00Z"])
def test_search_without_results_counts_results_without_filters(viewer, report, narrowed):
    report("SENT")
    address = f"/?q=5544999999999&{narrowed}&until=2021-01-01T00:00Z"
    page = viewer.get(address)
    assert page.context["nothing"] == "only filtered"
    assert "1 result without filters" in page.content.decode()
    assert "Check with Z-API" not in page.content.decode()
    assert shown(viewer.get(page.context["unfiltered"].url)) == ["3EB0A1"]


def test_link_without_filters_also_shows_inbound_messages(viewer, report):
    report("READ_BY_ME")
    page = viewer.get("/?q=5544999999999&view=failed")
    assert shown(viewer.get(page.context["unfiltered"].url)) == ["3EB0A1"]


def test_count_without_filters_stops_at_one_page(viewer, many):
    page = viewer.get("/?q=5544999999999&view=failed").content.decode()
    assert "More than 50 results without filters" in page


@pytest.mark.parametrize("text", ["Cel: (44) 99999-9999", "44 99999-9999 / 11 98765-4321"])
def test_number_within_other_text_is_offered_as_a_search(viewer, report, text):
    report("SENT")
    page = viewer.get("/", {"q": text})
    links = page.context["numbers"]
    assert links[0].label == "+55 44 99999-9999"
    assert shown(viewer.get(links[0].url)) == ["3EB0A1"]


def test_incomplete_number_is_offered_as_a_partial_search(viewer, report):
    report("SENT", phone="5561999998478")
    follow_up()
    page = viewer.get("/", {"q": "5561 99999847"})
    assert not page.context["rows"]
    (row,) = viewer.get(page.context["anywhere_url"]).context["rows"]
    assert row.message.phone == "5561999998478"


def test_search_shows_a_label_without_a_message(viewer, report, instance):
    report("SENT")
    Label.objects.create(
        instance=instance, zapi_id="FUTURE", reference="order-1", updated_at=timezone.now()
    )
    for text in ("FUTURE", "order-1"):
        page = viewer.get("/", {"q": text}).content.decode()
        assert "Your system labelled <code>FUTURE</code>" in page


@pytest.mark.parametrize("text", ["CPF 123.456.789-09", "*5544988887777*"])
def test_digits_that_are_not_a_phone_number_are_not_offered(viewer, report, text):
    report("SENT")
    assert viewer.get("/", {"q": text}).context["numbers"] == []


@pytest.mark.parametrize("text", ["061 99999-847", "00 5561 99999-847"])
def test_partial_search_ignores_leading_zeros(viewer, report, text):
    report("SENT", phone="5561999998478")
    follow_up()
    url = viewer.get("/", {"q": text}).context["anywhere_url"]
    assert len(viewer.get(url).context["rows"]) == 1


def test_search_with_a_word_of_no_label_offers_the_number_alone(viewer, report, instance):
    message = report("SENT")
    named = {"zapi_id": message.zapi_id, "label": "Pedido nº 1042 saiu"}
    Label.objects.create(instance=instance, updated_at=timezone.now(), **named)
    page = viewer.get(HOME, {"q": "order 1042"})
    assert "No messages found" in page.content.decode()
    assert shown(viewer.get(page.context["digits_alone"].url)) == [message.zapi_id]
