"""Django admin shows evidence read-only, cheaply, and can push a webhook."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messages.models import Action, AuditEvent, Callback, Message, Outcome
from tests.attacks.tables import fill_every_table

READ = {
    "type": "MessageStatusCallback",
    "status": "READ",
    "ids": ["M"],
    "phone": "5544999999999",
    "momment": 1632234645000,
}


def page(client, name, *args):
    answer = client.get(reverse(f"admin:whatsapp_{name}", args=args), secure=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_message_shows_its_timeline_inline(admin_client, post):
    post(READ)
    text = page(admin_client, "message_change", Message.objects.get().pk)
    assert "Read" in text
    assert "2021" in text


def test_callback_shows_its_body_escaped(admin_client, post):
    post(b'{"a":"<script>"')
    text = page(admin_client, "callback_change", Callback.objects.get().pk)
    assert "&lt;script&gt;" in text
    assert "<script>&quot;" not in text


def test_erased_callback_says_that_it_was_erased(admin_client, post):
    post(READ)
    Callback.objects.update(outcome=Outcome.ERASED, body=b"")
    assert "Erased" in page(admin_client, "callback_changelist")
    text = page(admin_client, "callback_change", Callback.objects.get().pk)
    assert "The content was deleted: it was about a person whose data was erased." in text


LISTS = ["message", "statusevent", "callback", "incident", "auditevent", "instance", "account"]


@pytest.mark.parametrize("name", LISTS)
def test_list_opens_with_few_queries_and_writes_nothing(admin_client, admin_user, name):
    fill_every_table("x", admin_user)
    with CaptureQueriesContext(connection) as queries:
        page(admin_client, f"{name}_changelist")
    statements = [query["sql"] for query in queries]
    assert len(statements) <= 6
    assert all(sql.startswith("SELECT") for sql in statements)


@pytest.mark.parametrize("name", LISTS)
def test_list_never_counts_all_rows(admin_client, admin_user, name):
    fill_every_table("x", admin_user)
    with CaptureQueriesContext(connection) as queries:
        page(admin_client, f"{name}_changelist")
    counts = [query["sql"] for query in queries if "COUNT(*)" in query["sql"]]
    assert counts
    assert all("LIMIT 1000" in sql for sql in counts)


@pytest.mark.parametrize("name", LISTS)
def test_evidence_page_opens_and_has_no_form_fields(admin_client, admin_user, name):
    row = fill_every_table("x", admin_user)[name]
    text = page(admin_client, f"{name}_change", row.pk)
    assert 'name="_save"' not in text
    assert reverse(f"admin:whatsapp_{name}_changelist") in text


def test_message_is_found_by_its_whole_id_only(admin_client, post):
    post(READ | {"ids": ["MESSAGE-1"]})
    url = reverse("admin:whatsapp_message_changelist")
    found = {
        text: "1 message" in admin_client.get(url, {"q": text}, secure=True).content.decode()
        for text in ("MESSAGE-1", "MESSAGE")
    }
    assert found == {"MESSAGE-1": True, "MESSAGE": False}


def test_event_links_to_its_message_here_and_on_the_site(admin_client, post):
    post(READ)
    text = page(admin_client, "statusevent_changelist")
    pk = Message.objects.get().pk
    assert reverse("admin:whatsapp_message_change", args=[pk]) in text
    assert f'href="{reverse("dashboard:message", args=[pk])}"' in text
    event = Message.objects.get().events.get()
    text = page(admin_client, "statusevent_change", event.pk)
    assert reverse("admin:whatsapp_callback_change", args=[event.callback_id]) in text


def test_admin_looks_like_the_site_and_links_back(admin_client):
    admin_client.cookies["statusboard_theme"] = "dark"
    text = admin_client.get("/admin/", secure=True).content.decode()
    assert re.search(r'<body class="[^"]*theme-dark', text)
    assert "css/admin.css" in text
    assert '<a href="/">Back to Statusboard</a>' in text
    assert "theme.js" not in text


@pytest.mark.parametrize("name", ["message", "callback", "instance", "account"])
def test_admin_cannot_add_messages_callbacks_instances_or_accounts(admin_client, name):
    answer = admin_client.get(reverse(f"admin:whatsapp_{name}_add"), secure=True)
    assert answer.status_code == 403


def test_message_cannot_be_changed_or_deleted(admin_client, post):
    post(READ)
    pk = Message.objects.get().pk
    for name in ("message_change", "message_delete"):
        url = reverse(f"admin:whatsapp_{name}", args=[pk])
        assert admin_client.post(url, {"rank": 0}, secure=True).status_code == 403
    assert Message.objects.get().rank == 40


def test_message_list_query_count_is_fixed(admin_client, post, django_assert_max_num_queries):
    post(READ | {"ids": [f"M{number}" for number in range(30)]})
    with django_assert_max_num_queries(8):
        page(admin_client, "message_changelist")


def test_instance_page_contains_no_secret(admin_client, instance):
    text = page(admin_client, "instance_change", instance.pk) + page(
        admin_client, "account_changelist"
    )
    assert "token-of-the-instance" not in text
    assert "client-token-of-the-account" not in text


def test_admin_sign_in_redirects_to_the_sign_in_page_of_the_site(client, db):
    answer = client.get("/admin/login/?next=/admin/", secure=True)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/account/login/")


def test_failed_push_action_shows_the_reason(admin_client, instance, settings):
    settings.PUBLIC_BASE_URL = ""
    answer = admin_client.post(
        reverse("admin:whatsapp_instance_changelist"),
        {"action": "push_webhook", "_selected_action": [instance.pk]},
        secure=True,
        follow=True,
    )
    assert "Set PUBLIC_BASE_URL" in answer.content.decode()


def test_push_action_is_audited(admin_client, instance, settings):
    settings.PUBLIC_BASE_URL = ""
    fields = {"action": "push_webhook", "_selected_action": [instance.pk]}
    admin_client.post(reverse("admin:whatsapp_instance_changelist"), fields, secure=True)
    event = AuditEvent.objects.get(action=Action.WEBHOOK_PUSHED)
    assert (event.actor_name, event.instance_id) == ("admin", instance.pk)


def test_reprocess_action_reports_its_result(admin_client, post):
    post(READ | {"instanceId": "somebody.else"})
    answer = admin_client.post(
        reverse("admin:whatsapp_callback_changelist"),
        {"action": "reprocess", "_selected_action": [Callback.objects.get().pk]},
        secure=True,
        follow=True,
    )
    assert "0 reprocessed, 1 still rejected." in answer.content.decode()
