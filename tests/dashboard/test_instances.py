"""The instance pages, tested with a simulated Z-API over HTTP."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messages.accounts.roles import ADMIN, SUPERVISOR
from messages.dashboard.instances.webhook_panel import panel
from messages.domain.problems import Problem
from messages.incidents.incident_counts import incident_counts
from messages.instances.bulk_jobs import run_batches, start_for
from messages.instances.push import ANYTHING, push, push_wanted, queue_push, run_due_pushes
from messages.instances.sync import webhooks_of
from messages.instances.tags import set_tags
from messages.instances.verify import check, verify_due
from messages.instances.webhook_urls import webhook_url
from messages.jobs.follow_ups import follow_up
from messages.models import (
    Account,
    Action,
    AuditEvent,
    Batch,
    BatchKind,
    Forward,
    HourlySummary,
    Incident,
    IncidentKind,
    Instance,
    Notification,
    UserLimit,
    Webhook,
    WebhookState,
)
from messages.models.summary import LATENCY_EDGES
from messages.simulator.gateway import Gateway, SimulatedInstance
from messages.zapi.client import ZapiClient
from tests.plugins.zapi import FOREIGN_URL

LIST = reverse("dashboard:instances")
ADD = reverse("dashboard:instance-add")
IMPORT = reverse("dashboard:instance-import")
BATCHES = reverse("dashboard:instance-batch-start")
NEW = {"name": "Loja", "zapi_id": "ABC", "token": "the-secret-token", "client_token": ""}
HOOKS = {"hooks": ["delivery", "connected", "disconnected"]}
CALLBACK = {"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "phone": "5544"}


class Browser(Client):
    """A test client that uses HTTPS, as in PUBLIC_BASE_URL, and returns the text of pages."""

    def read(self, path: str) -> str:
        return self.get(path, secure=True).content.decode()

    def send(self, path: str, data: dict[str, Any] | None = None, action: str = "") -> str:
        answer = self.post(path, (data or {}) | {"action": action}, secure=True, follow=True)
        return answer.content.decode()

    def insist(self, path: str, data: dict[str, Any] | None = None, action: str = "") -> str:
        """Submit the form and confirm it on the next page."""
        assert 'name="confirmed"' in self.send(path, data, action)
        return self.send(path, (data or {}) | {"confirmed": "1"}, action)

    def verify(self, instance: Instance) -> str:
        """Let the worker verify the instance; return the text of its page."""
        self.send(act("verify", instance))
        work()
        return self.read(reverse("dashboard:instance", args=[instance.pk]))


def work() -> None:
    """Run the worker jobs that pushes, batches and callbacks need."""
    run_due_pushes()
    run_batches()
    follow_up()


def signed_in(role: str) -> Browser:
    user = User.objects.create_user(role)
    user.groups.add(Group.objects.get(name=role))
    browser = Browser()
    browser.force_login(user)
    return browser


@pytest.fixture
def admin(db: None) -> Browser:
    return signed_in(ADMIN)


@pytest.fixture
def supervisor(db: None) -> Browser:
    return signed_in(SUPERVISOR)


@pytest.fixture
def path(instance: Instance) -> str:
    return reverse("dashboard:instance", args=[instance.pk])


def look_at(zapi: Gateway, instance: Instance) -> SimulatedInstance:
    """The instance in the simulated Z-API, which creates it at the first call."""
    return zapi.instances[instance.zapi_id]


def act(name: str, instance: Instance) -> str:
    return reverse(f"dashboard:instance-{name}", args=[instance.pk])


def test_list_without_instances_links_to_the_add_form(admin):
    assert "No WhatsApp number is connected yet" in admin.read(LIST)
    assert ADD in admin.read(LIST)


def test_list_without_instances_tells_supervisors_to_ask_an_administrator(supervisor):
    assert "Ask an administrator" in supervisor.read(LIST)
    assert ADD not in supervisor.read(LIST)


def test_list_shows_connection_webhook_and_last_callback(admin, instance, zapi, post):
    push(instance)
    post(CALLBACK)
    page = admin.read(LIST)
    for words in ("Atendimento", "Connected", "In sync", "just now"):
        assert words in page


def test_list_is_sorted_by_severity(admin, instance):
    account = instance.account
    for name, connected in (("Fine", True), ("Lost", False)):
        Instance.objects.create(account=account, name=name, zapi_id=name, connected=connected)
    for one in Instance.objects.exclude(name="Atendimento"):
        one.webhooks.create(kind="message-status", state=WebhookState.IN_SYNC)
    page = admin.read(LIST)
    assert page.index("Lost") < page.index("Atendimento") < page.index("Fine")


def test_list_hides_archived_instances(admin, instance):
    Instance.objects.update(archived_at=timezone.now())
    assert "Atendimento" not in admin.read(LIST)


def test_list_query_count_is_fixed(admin, instance, django_assert_max_num_queries):
    for number in range(5):
        Instance.objects.create(account=instance.account, name="N", zapi_id=f"Z{number}")
    # Nine queries are for the list: instances, webhooks, tags, hours, incidents, thresholds, stuck
    # messages, all tags, archived instances. The others are for the session, the user and their
    # permissions.
    with django_assert_max_num_queries(14):
        admin.read(LIST)


def test_list_counts_stuck_messages_and_links_to_them(admin, instance, report):
    report("SENT", id="3EB0STUCK", minutes_ago=90)
    report("SENT", "RECEIVED", id="3EB0THERE", minutes_ago=90)
    report("SENT", id="3EB0NEW", minutes_ago=1)
    (address,) = re.findall(r'<a class="tag warning" href="([^"]+)"', admin.read(LIST))
    assert "view=stuck" in address
    found = admin.read(unescape(address))
    assert "3EB0STUCK" in found
    assert found.count('class="row-link"') == 1


def test_healthy_instances_with_stuck_messages_come_first(admin, instance, report):
    report("SENT", minutes_ago=90)
    other = Instance.objects.create(account=instance.account, name="Aaa", zapi_id="other")
    for one in (instance, other):
        one.webhooks.create(kind="message-status", state=WebhookState.IN_SYNC)
    page = admin.read(LIST)
    assert page.index("Atendimento") < page.index("Aaa")


def test_unpaid_instance_is_marked_whatever_its_due_date(admin, instance):
    due = timezone.now() + timedelta(days=200)
    Instance.objects.update(payment_status="OVERDUE", due_at=due)
    assert "Payment: OVERDUE" in admin.read(LIST)


def test_filtered_instance_is_marked_and_comes_first(admin, instance):
    Instance.objects.update(filters=["FILTER_MESSAGE_STATUS_CALLBACK"])
    other = Instance.objects.create(account=instance.account, name="Aaa", zapi_id="other")
    for one in (instance, other):
        one.webhooks.create(kind="message-status", state=WebhookState.IN_SYNC)
    page = admin.read(LIST)
    assert "Callbacks filtered" in page
    assert page.index("Atendimento") < page.index("Aaa")


@pytest.fixture
def used_elsewhere(instance: Instance) -> Instance:
    """A connected instance whose webhook another system uses."""
    Instance.objects.update(connected=True)
    instance.webhooks.create(
        kind="message-status", state=WebhookState.DIFFERS, found_url="https://crm.example.com/"
    )
    return instance


def badges(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<span class="badge (\w+)">(?:<svg.*?</svg>)?([^<]+)', page)


def test_badge_shows_that_another_system_uses_the_webhook(admin, used_elsewhere, path):
    found = ("danger", "Used by another system")
    page = admin.read(LIST)
    assert badges(page) == [found]
    assert "Number: Connected" in " ".join(page.split())
    assert badges(admin.read(path))[0] == found


def open_incident(kind: IncidentKind, instance: Instance, **values: object) -> Incident:
    now = timezone.now()
    incident = Incident.objects.create(
        kind=kind, instance=instance, opened_at=now, last_seen_at=now, values=values
    )
    incident_counts.refresh()
    return incident


def test_badge_of_a_silent_instance_is_not_green(admin, instance, path):
    Instance.objects.update(connected=True)
    instance.webhooks.create(kind="message-status", state=WebhookState.IN_SYNC)
    open_incident(IncidentKind.SILENT, instance, silence=7800, usual=600)
    assert badges(admin.read(LIST)) == [("warning", "Connected, but no callbacks")]
    assert badges(admin.read(path))[0] == ("warning", "Connected, but no callbacks")


def test_badge_of_an_instance_with_another_number_is_red(admin, instance, path):
    Instance.objects.update(connected=True)
    instance.webhooks.create(kind="message-status", state=WebhookState.IN_SYNC)
    open_incident(IncidentKind.NUMBER, instance, now="5544", before="5511")
    assert badges(admin.read(LIST)) == [("danger", "Number changed")]
    assert badges(admin.read(path))[0] == ("danger", "Number changed")


def test_list_and_page_link_to_every_open_problem(admin, used_elsewhere, path):
    webhook = open_incident(
        IncidentKind.WEBHOOK, used_elsewhere, hooks=["message-status"], foreign=["message-status"]
    )
    stranger = open_incident(IncidentKind.STRANGER, used_elsewhere, count=2, named="")
    listed, page = (content(admin.read(one)) for one in (LIST, path))
    for incident in (webhook, stranger):
        link = f"/attention/#problem-{incident.pk}"
        assert link in listed
        assert link in page


def content(page: str) -> str:
    """The page without the banner, which names problems too."""
    return page.split("<h1", 1)[1]


def test_list_is_sorted_by_the_problem_in_the_badge(admin, instance):
    for name in ("Aaa", "Silent", "Changed"):
        Instance.objects.create(
            account=instance.account, name=name, zapi_id=name, connected=True
        ).webhooks.create(kind="message-status", state=WebhookState.IN_SYNC)
    silent, changed = (Instance.objects.get(name=name) for name in ("Silent", "Changed"))
    open_incident(IncidentKind.SILENT, silent, silence=7800, usual=600)
    open_incident(IncidentKind.NUMBER, changed, now="5544", before="5511")
    page = content(admin.read(LIST))
    rows = re.findall(r'class="row-link"[^>]*>([^<]+)', page)
    assert rows == ["Changed", "Silent", "Atendimento", "Aaa"]


def test_list_query_count_is_fixed_with_problems(
    admin, used_elsewhere, django_assert_max_num_queries
):
    for number in range(5):
        other = Instance.objects.create(
            account=used_elsewhere.account, name="N", zapi_id=f"Z{number}"
        )
        open_incident(IncidentKind.NUMBER, other, now="5544", before="5511")
        open_incident(IncidentKind.STUCK, other, count=3)
    admin.read(LIST)  # fills the caches
    # Two more than without problems: these, and their current numbers of stuck messages.
    with django_assert_max_num_queries(16):
        admin.read(LIST)


def test_page_does_not_refer_to_itself_if_another_system_uses_the_webhook(
    admin, used_elsewhere, path
):
    Webhook.objects.update(problem=Problem.URL_TAKEN)
    assert "Choose what to do on the instance’s page." in admin.read(LIST)
    assert "on the instance’s page" not in admin.read(path)


def test_form_and_list_of_webhooks_call_dispatch_the_same(admin, path, instance):
    instance.webhooks.create(kind="delivery", wanted=True)
    page = admin.read(path)
    assert '<span class="hook-name">Dispatch</span>' in page
    assert "Dispatch (Z-API: “delivery”)" in page


def test_badge_of_a_disconnected_instance_shows_that_first(admin, used_elsewhere):
    Instance.objects.update(connected=False)
    page = admin.read(LIST)
    assert badges(page) == [("danger", "Disconnected")]
    assert "Webhook: Used by another system" in " ".join(page.split())


def test_webhooks_begin_with_the_message_status_as_named_by_zapi(admin, instance, path):
    page = " ".join(admin.read(path).split())
    first = page.split('<ul class="hooks"')[1].split("</li>")[0]
    assert '<span class="hook-name">Message status</span>' in first
    assert "in Z-API’s panel: “Receive message status”" in first


def test_save_and_push_adds_the_instance_and_pushes_the_url(admin, zapi):
    page = admin.send(ADD, NEW, "push")
    instance = Instance.objects.get()
    assert "Queued. The worker will push it shortly." in page
    work()
    assert zapi.instances["ABC"].urls["message-status"] == webhook_url(instance)


def test_save_without_push_does_not_call_zapi(admin, zapi):
    assert "Not pushed yet" in admin.send(ADD, NEW, "save")
    assert zapi.calls == []


def test_failed_push_keeps_the_instance_and_gives_advice(admin, zapi):
    zapi.answer_name = "client-token-null"
    admin.send(ADD, NEW, "push")
    work()
    page = admin.read(reverse("dashboard:instance", args=[Instance.objects.get().pk]))
    assert str(Problem.CLIENT_TOKEN_MISSING.label) in page
    assert Instance.objects.count() == 1


def test_existing_instance_id_is_a_field_error(admin, instance):
    Instance.objects.update(zapi_id="ABC")
    page = admin.send(ADD, NEW | {"zapi_id": "ABC"}, "save")
    assert "An instance with the id ABC already exists" in page
    assert Instance.objects.count() == 1


@pytest.mark.parametrize("field", ["zapi_id", "token", "client_token"])
def test_space_in_a_credential_is_a_field_error(admin, field):
    assert "without spaces" in admin.send(ADD, NEW | {field: "a b"}, "save")


def test_push_without_https_explains_the_setting(admin, settings):
    settings.PUBLIC_BASE_URL = "http://board.example.com"
    assert "Set PUBLIC_BASE_URL=https://" in admin.send(ADD, NEW, "push")
    assert not Instance.objects.exists()


def test_push_buttons_without_a_public_url_are_disabled_with_a_reason(admin, path, settings):
    settings.PUBLIC_BASE_URL = ""
    page = admin.read(path)
    assert page.count('disabled aria-describedby="why-off"') == 2
    assert page.count('id="why-off"') == 1
    assert settings.LOCAL_BASE_URL in page


def test_stored_secrets_are_masked_even_for_admins(admin, path, instance):
    instance.token = "0123456789abcdef4f2a"
    instance.save()
    page = admin.read(path)
    assert "•••• 4f2a" in page
    assert "0123456789" not in page
    assert "client-token-of" not in page


def test_form_with_errors_does_not_repeat_an_entered_secret(admin, path):
    page = admin.send(path, {"name": "", "token": "just-typed-in"}, "save")
    assert "This field is required" in page
    assert "just-typed-in" not in page


def test_blank_secret_keeps_the_stored_one(admin, path):
    admin.send(path, {"name": "New", "token": "", "client_token": ""}, "save")
    instance = Instance.objects.get()
    assert instance.name == "New"
    assert instance.token.reveal() == "token-of-the-instance"


def test_push_uses_a_newly_entered_secret(admin, path, zapi):
    admin.send(path, {"name": "New", "client_token": "replaced"}, "push")
    work()
    assert zapi.calls[0].headers["client-token"] == "replaced"


def test_shared_client_token_names_the_other_instances(admin, path, instance):
    Instance.objects.create(account=instance.account, name="Vendas", zapi_id="V")
    assert "Shared with Vendas: replacing it here" in admin.read(path)


def test_all_setup_steps_are_done_after_the_first_callback(admin, path, instance, zapi, post):
    push(instance)
    post(CALLBACK)
    work()
    assert admin.read(path).count("progress-step done") == 4


def way_of(instance: Instance) -> list[tuple[str, str]]:
    shown = panel(Instance.objects.get(pk=instance.pk)).progress.steps
    return [(step.mark, step.words) for step in shown[1:3]]


def test_repeated_push_is_queued_and_then_verified(admin, path, instance, zapi):
    push(instance)
    long_ago = timezone.now() - timedelta(days=1)
    Webhook.objects.update(pushed_at=long_ago, checked_at=long_ago)
    page = admin.send(act("push", instance))
    assert "Push queued" in page
    assert way_of(instance) == [
        ("waiting", "Queued. The worker will push it shortly."),
        ("waiting", "Not checked yet."),
    ]
    work()
    assert [mark for mark, _words in way_of(instance)] == ["done", "done"]
    assert Webhook.objects.filter(pushed_at__gt=long_ago, checked_at__gt=long_ago).exists()


def test_failed_repeated_push_is_shown_as_failed(admin, path, instance, zapi):
    push(instance)
    zapi.answer_name = "unauthorized"
    admin.send(act("push", instance))
    work()
    assert [mark for mark, _words in way_of(instance)] == ["failed", "failed"]


def test_push_taken_by_a_worker_is_shown_as_running(instance):
    queue_push(webhooks_of(instance).values())
    Webhook.objects.update(retry_at=timezone.now() + timedelta(minutes=10))
    assert way_of(instance)[0] == ("waiting", "Updating Z-API…")


def test_new_instance_has_only_the_first_step_done(admin, path):
    assert admin.read(path).count("progress-step done") == 1


def test_manually_set_url_is_confirmed_by_its_first_callback(admin, path, post):
    post(CALLBACK)
    work()
    page = admin.read(path)
    assert "Z-API has called Statusboard" in page
    assert "Receive message status" in page


def test_manually_set_url_is_found_by_verify(admin, path, instance, zapi):
    push(instance)
    instance.webhooks.update(pushed_url="", pushed_at=None)
    assert "set by hand" in admin.verify(instance)


def test_verify_shows_a_foreign_url(admin, path, instance, zapi):
    push(instance)
    zapi.instances[instance.zapi_id].urls["message-status"] = FOREIGN_URL
    page = admin.verify(instance)
    assert FOREIGN_URL in page
    assert "progress-step failed" in page


def taken(zapi: Gateway, instance: Instance, kind: str = "message-status") -> None:
    """Somebody else sets a URL of their own."""
    zapi.instances[instance.zapi_id].urls[kind] = FOREIGN_URL


def answer(admin: Browser, instance: Instance, action: str, kind: str = "message-status") -> str:
    path = reverse("dashboard:instance-webhook", args=[instance.pk, kind])
    send = admin.insist if action == "restore" else admin.send
    return send(path, {"url": FOREIGN_URL}, action)


def test_push_asks_before_replacing_a_foreign_url(admin, path, instance, zapi):
    push(instance)
    taken(zapi, instance)
    admin.send(act("push", instance))
    work()
    page = admin.read(path)
    for words in (FOREIGN_URL, webhook_url(instance), "Replace URL", "Leave unchanged"):
        assert words in page
    assert zapi.instances[instance.zapi_id].urls["message-status"] == FOREIGN_URL


def test_replace_sets_the_url_and_keeps_the_previous_one(admin, path, instance, zapi):
    push(instance)
    taken(zapi, instance)
    answer(admin, instance, "replace")
    work()
    assert "Restore previous URL" in admin.read(path)
    assert zapi.instances[instance.zapi_id].urls["message-status"] == webhook_url(instance)


def test_confirmed_replacement_does_not_replace_a_different_url(admin, path, instance, zapi):
    push(instance)
    zapi.instances[instance.zapi_id].urls["message-status"] = "https://third.example.com/"
    answer(admin, instance, "replace")
    work()
    assert "https://third.example.com/" in admin.read(path)
    assert zapi.instances[instance.zapi_id].urls["message-status"] != webhook_url(instance)


def test_replace_and_forward_forwards_to_the_previous_url(admin, path, instance, zapi):
    push(instance)
    taken(zapi, instance)
    answer(admin, instance, "replace-and-forward")
    work()
    assert instance.webhooks.get(kind="message-status").forward_to == FOREIGN_URL
    assert "Callbacks are forwarded to it." in admin.read(path)


def test_replace_and_forward_refuses_an_unsafe_url(admin, instance, zapi):
    push(instance)
    found = "http://10.0.0.1/hook"
    zapi.instances[instance.zapi_id].urls["message-status"] = found
    where = reverse("dashboard:instance-webhook", args=[instance.pk, "message-status"])
    admin.send(where, {"url": found}, "replace-and-forward")
    work()
    assert zapi.instances[instance.zapi_id].urls["message-status"] == found


def test_leave_unchanged_keeps_the_foreign_url_and_asks_no_more(admin, path, instance, zapi):
    push_wanted(instance)
    taken(zapi, instance, "delivery")
    admin.verify(instance)
    answer(admin, instance, "leave", "delivery")
    assert "Replace URL" not in admin.read(path)
    admin.send(act("push", instance))
    work()
    assert zapi.instances[instance.zapi_id].urls["delivery"] == FOREIGN_URL


def test_previous_url_can_be_restored(admin, instance, zapi):
    push(instance)
    taken(zapi, instance)
    answer(admin, instance, "replace")
    work()
    assert "Previous URL restored" in answer(admin, instance, "restore")
    assert zapi.instances[instance.zapi_id].urls["message-status"] == FOREIGN_URL


def test_restoring_the_previous_url_needs_confirmation(admin, instance, zapi):
    push(instance)
    taken(zapi, instance)
    answer(admin, instance, "replace")
    work()
    where = reverse("dashboard:instance-webhook", args=[instance.pk, "message-status"])
    page = admin.send(where, action="restore")
    assert "Restore the previous URL?" in page
    assert FOREIGN_URL in page
    assert 'name="action" value="restore"' in page
    assert zapi.instances[instance.zapi_id].urls["message-status"] == webhook_url(instance)


def test_webhook_changes_are_audited(admin, instance, zapi):
    push(instance)
    taken(zapi, instance)
    answer(admin, instance, "replace-and-forward")
    work()
    answer(admin, instance, "restore")
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {
        Action.FORWARDING_CHANGED,
        Action.WEBHOOK_PUSHED,
        Action.WEBHOOK_RESTORED,
    }


def test_unknown_webhook_action_is_refused(admin, instance):
    instance.webhooks.create(kind="message-status")
    where = reverse("dashboard:instance-webhook", args=[instance.pk, "message-status"])
    assert admin.post(where, {"action": "?"}, secure=True).status_code == 400


def test_webhooks_that_are_not_selected_are_not_pushed(admin, zapi):
    admin.send(ADD, NEW | {"hooks": ["delivery"]}, "push")
    work()
    assert set(zapi.instances["ABC"].urls) == {"message-status", "delivery"}


def test_add_form_selects_every_webhook_by_default(admin):
    assert admin.read(ADD).count("checked") == 3


def test_take_all_webhooks_page_shows_the_urls_it_replaces(admin, instance, zapi):
    push(instance)
    taken(zapi, instance, "received")
    where = reverse("dashboard:instance-every", args=[instance.pk])
    page = admin.read(where)
    assert page.count("would be replaced") == 1
    assert FOREIGN_URL in page
    admin.send(where, {"sent_by_me": "on"})
    assert set(zapi.instances[instance.zapi_id].urls.values()) == {webhook_url(instance)}


def test_restore_others_restores_the_inbound_webhook(admin, instance, zapi):
    push(instance)
    taken(zapi, instance, "received")
    admin.send(reverse("dashboard:instance-every", args=[instance.pk]))
    admin.insist(reverse("dashboard:instance-restore-others", args=[instance.pk]))
    assert zapi.instances[instance.zapi_id].urls["received"] == FOREIGN_URL
    assert zapi.instances[instance.zapi_id].urls["message-status"] == webhook_url(instance)


def test_take_all_webhooks_page_shows_urls_of_unknown_webhooks(admin, instance, zapi):
    push(instance)
    somebodys = {
        "received-delivery": "https://crm.example.com/own",
        "received-status": "https://crm.example.com/status",
        "initial-data": "https://crm.example.com/initial",
    }
    look_at(zapi, instance).urls |= somebodys
    look_at(zapi, instance).hidden_urls = {"editedWebhookUrl": "https://crm.example.com/edited"}
    page = admin.read(act("every", instance))
    assert page.count("would be replaced") == 4
    assert all(url in page for url in (*somebodys.values(), "https://crm.example.com/edited"))
    assert "editedWebhookUrl" in page
    # Three webhooks have no documented update call.
    assert page.count("restore it manually") == 3


def test_restore_others_lists_webhooks_that_need_a_manual_restore(admin, path, instance, zapi):
    push(instance)
    known, unknown = "https://crm.example.com/own", "https://crm.example.com/initial"
    look_at(zapi, instance).urls |= {"received-delivery": known, "initial-data": unknown}
    admin.send(act("every", instance))
    page = admin.insist(act("restore-others", instance))
    assert "Z-API still does not call the previous URL for: Initial data." in page
    assert look_at(zapi, instance).urls["received-delivery"] == known
    assert known not in page
    assert unknown in page
    look_at(zapi, instance).urls["initial-data"] = unknown  # by hand, in Z-API's panel
    assert unknown not in admin.insist(act("restore-others", instance))


def test_restore_others_clears_webhooks_that_had_no_url(admin, path, instance, zapi, post):
    push(instance)
    taken(zapi, instance, "received")
    admin.send(act("every", instance), {"forward": "on"})
    assert "Presence in chats: no URL" in admin.read(path)
    admin.insist(act("restore-others", instance))
    urls = look_at(zapi, instance).urls
    assert (urls["received"], urls["received-delivery"], urls["chat-presence"]) == (
        *(FOREIGN_URL, "", ""),
    )
    assert Instance.objects.get().taken_urls == {}


def test_archiving_an_instance_without_previous_urls_offers_no_restore(admin, instance, zapi):
    push(instance)
    admin.send(act("every", instance))
    assert "Other systems used its webhooks" not in admin.send(act("archive", instance))


def test_webhook_that_zapi_did_not_change_is_not_listed_as_replaced(admin, path, instance, zapi):
    push(instance)
    look_at(zapi, instance).urls |= {"received": FOREIGN_URL, "initial-data": "https://x.example/"}
    look_at(zapi, instance).every = ("message-status", "received")
    admin.send(act("every", instance))
    assert Instance.objects.get().taken_urls == {"received": FOREIGN_URL}


def test_unknown_webhook_is_restored_with_a_guessed_call(admin, instance, zapi):
    push(instance)
    look_at(zapi, instance).hidden_urls = {"editedCallbackUrl": FOREIGN_URL}
    admin.send(act("every", instance))
    assert look_at(zapi, instance).hidden_urls == {"editedCallbackUrl": webhook_url(instance)}
    admin.insist(act("restore-others", instance))
    assert any(call.path.endswith("/update-webhook-edited") for call in zapi.calls)
    assert "editedCallbackUrl" in Instance.objects.get().taken_urls


def test_callbacks_of_an_unknown_webhook_are_forwarded(admin, instance, zapi, post):
    push(instance)
    look_at(zapi, instance).hidden_urls = {"editedCallbackUrl": FOREIGN_URL}
    admin.send(act("every", instance), {"forward": "on"})
    post({"type": "EditedCallback", "messageId": "M"})
    post({"type": "ReceivedCallback", "messageId": "M", "phone": "5544"})
    follow_up()
    forward = Forward.objects.select_related("webhook").get()
    assert (forward.webhook.kind, forward.webhook.forward_to) == ("editedCallbackUrl", FOREIGN_URL)
    page = admin.read(act("forwarding", instance))
    assert "editedCallbackUrl" in page
    admin.send(
        reverse("dashboard:instance-forwarding-change", args=[instance.pk, "editedCallbackUrl"]),
        {"forward_to": "https://other.example.com/"},
    )
    assert instance.webhooks.get(kind="editedCallbackUrl").forward_to.startswith("https://other")


def test_url_too_long_to_restore_is_not_replaced(admin, instance, zapi):
    push(instance)
    long = "https://crm.example.com/" + "x" * 600
    look_at(zapi, instance).urls["delivery"] = long
    assert str(Problem.URL_TOO_LONG.label) in admin.send(act("every", instance))
    assert look_at(zapi, instance).urls["delivery"] == long


def test_zapi_filter_that_blocks_callbacks_is_explained(admin, path, instance, zapi):
    push(instance)
    zapi.instances[instance.zapi_id].filters = ["FILTER_MESSAGE_STATUS_CALLBACK"]
    assert "blocks these callbacks" in admin.verify(instance)


def test_secret_can_be_rotated_and_the_old_one_retired(admin, path, instance, zapi):
    push(instance)
    before = webhook_url(instance)
    admin.send(reverse("dashboard:instance-rotate", args=[instance.pk]))
    work()
    assert zapi.instances[instance.zapi_id].urls["message-status"] != before
    retire = reverse("dashboard:instance-retire", args=[instance.pk])
    assert "still arrive at the old URL" in admin.send(retire)
    assert "Only the new URL" in admin.insist(retire, {"at_once": "1"})


def test_old_secret_is_kept_while_zapi_uses_it(admin, instance, zapi):
    push(instance)
    zapi.answer_name = "forgetful"
    admin.send(reverse("dashboard:instance-rotate", args=[instance.pk]))
    work()
    retire = reverse("dashboard:instance-retire", args=[instance.pk])
    assert "still calls the old URL" in admin.insist(retire, {"at_once": "1"})


def test_new_token_is_verified_when_saved(admin, path, instance, zapi):
    push(instance)
    saved = {"name": "N", "token": "wrong"} | HOOKS | {"action": "save"}
    batch = admin.post(path, saved, secure=True)["Location"]
    work()
    assert "does not know this instance id and token" in admin.read(batch)


def test_list_warns_before_the_paid_period_ends(admin, instance, zapi):
    Instance.objects.update(due_at=timezone.now() + timedelta(days=3))
    assert "Paid until" in admin.read(LIST)
    Instance.objects.update(due_at=timezone.now() + timedelta(days=30))
    assert "Paid until" not in admin.read(LIST)


def steps_of(admin: Browser, instance: Instance, **query: str) -> Any:
    path = reverse("dashboard:instance-steps", args=[instance.pk])
    return admin.get(path, query, secure=True)


def test_setup_steps_poll_until_nothing_is_pending(admin, path, instance, zapi):
    admin.send(act("push", instance))
    first = steps_of(admin, instance)
    seen = re.findall(r'name="seen" value="(\w+)"', first.content.decode())[0]
    assert steps_of(admin, instance, seen=seen).status_code == 204
    work()
    assert steps_of(admin, instance, seen=seen, pushing="1").headers["HX-Refresh"] == "true"
    assert "hx-get" in admin.read(path)


def test_finished_setup_steps_stop_polling(admin, path, instance, zapi, post):
    push(instance)
    post(CALLBACK)
    work()
    assert "hx-get" not in admin.read(path)
    seen = re.findall(r'name="seen" value="(\w+)"', admin.read(path))[0]
    assert steps_of(admin, instance, seen=seen).status_code == 286


def test_queued_push_without_a_worker_says_so(admin, path, instance):
    admin.send(act("push", instance))
    instance.webhooks.update(asked_at=timezone.now() - timedelta(minutes=1))
    assert "no worker is running" in admin.read(path)


def test_list_can_be_filtered_by_tag(admin, instance):
    set_tags(instance, ["Acme"])
    Instance.objects.create(account=instance.account, name="Other", zapi_id="O")
    page = admin.read(f"{LIST}?tag=acme")
    assert "Atendimento" in page
    assert "Other" not in page


def test_list_shows_delivered_share_and_typical_time_and_links_to_the_messages(admin, instance):
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    HourlySummary.objects.create(
        instance=instance,
        hour=hour,
        is_group=False,
        messages=8,
        delivered=7,
        computed_at=hour,
        **{f"delivered_within_{edge}": 7 for edge in LATENCY_EDGES},
        delivered_timed=7,
    )
    page = admin.read(LIST)
    assert f'<a href="/?instance={instance.pk}&amp;period=24h">87.5%</a>' in page
    assert "of 8 messages" in page
    assert "typically 0 s" in page


def problem(instance: Instance, kind: str, began: datetime, **fields: Any) -> None:
    Incident.objects.create(
        kind=kind, instance=instance, opened_at=began, last_seen_at=began, **fields
    )


def test_strips_say_how_long_an_instance_was_disconnected_and_silent(admin, instance, clock):
    now, hour = clock.now, timedelta(hours=1)
    Instance.objects.update(connected=True, created_at=now - 40 * 24 * hour)
    over = now - 2 * hour
    problem(instance, "disconnected", over - timedelta(minutes=130), resolved_at=over)
    # While disconnected it is silent too, which counts once.
    problem(instance, "silent", over - hour, resolved_at=over)
    older = now - 9 * 24 * hour
    problem(instance, "silent", older - 3 * hour, resolved_at=older)
    page = admin.read(LIST)
    assert 'aria-label="Last 24 hours: disconnected 2 h 10 min"' in page
    assert 'aria-label="Last 30 days: disconnected 2 h 10 min, no callbacks for 3 h"' in page


def test_strip_of_a_connected_instance_names_no_problem(admin, instance):
    Instance.objects.update(connected=True, created_at=timezone.now() - timedelta(days=40))
    assert "Last 24 hours: connected all the time" in admin.read(LIST)


def test_strip_has_no_data_before_the_instance_was_added(admin, instance, path, clock):
    Instance.objects.update(connected=True, created_at=clock.now - timedelta(hours=4))
    assert "Last 24 hours: no data for 20 h" in admin.read(LIST)
    assert "Last 30 days: no data for" in admin.read(path)


def test_strip_shows_no_callbacks_while_another_system_has_the_webhook(admin, instance, clock):
    Instance.objects.update(connected=True, created_at=clock.now - timedelta(days=40))
    began, over = clock.now - timedelta(hours=6), clock.now - timedelta(hours=5)
    statuses = {"hooks": ["message-status"]}
    problem(instance, "webhook", began, resolved_at=over, values=statuses)
    # Without this webhook, statuses still arrive.
    problem(instance, "filtered", began, values={"hooks": ["connected"]})
    assert "Last 24 hours: no callbacks for 1 h" in admin.read(LIST)


def test_limited_admin_cannot_see_or_change_other_instances(admin, instance, zapi):
    other = Account.objects.create(name="Other")
    mine = Instance.objects.create(account=other, name="Mine", zapi_id="M", token="t")
    UserLimit.objects.create(user=User.objects.get(), instance=mine)
    assert "Atendimento" not in admin.read(LIST)
    for name in ("push", "verify", "rotate", "retire", "restore-others", "archive"):
        assert admin.post(act(name, instance), secure=True).status_code == 404
    for name in ("steps", "every"):
        assert admin.get(act(name, instance), secure=True).status_code == 404
    admin.send(BATCHES, {"kind": "verify"})
    work()
    assert set(zapi.instances) == {"M"}


def test_push_all_shows_the_result_of_each_instance(admin, instance, zapi):
    Instance.objects.create(account=instance.account, name="Other", zapi_id="O", token="t")
    assert "0 of 2" in admin.send(BATCHES, {"kind": "push"})
    work()
    page = admin.read(reverse("dashboard:instance-batch", args=[Batch.objects.get().pk]))
    assert "2 of 2" in page
    assert page.count("Done") >= 2


def test_failed_batch_can_be_retried(admin, instance, zapi):
    zapi.answer_name = "fault"
    admin.send(BATCHES, {"kind": "verify"})
    work()
    where = reverse("dashboard:instance-batch", args=[Batch.objects.get().pk])
    assert "1 failed" in admin.read(where)
    zapi.answer_name = "ok"
    push(instance)
    admin.send(where, {}, "again")
    work()
    assert "1 failed" not in admin.read(where)


def test_batch_can_be_stopped(admin, instance, zapi):
    admin.send(BATCHES, {"kind": "verify"})
    where = reverse("dashboard:instance-batch", args=[Batch.objects.get().pk])
    assert 'value="stop"' in admin.read(where)
    page = admin.send(where, {}, "stop")
    assert 'value="stop"' not in page
    assert str(Problem.CANCELLED.label) in page
    work()
    assert zapi.calls == []


def upload(admin: Browser, text: str) -> str:
    file = SimpleUploadedFile("instances.csv", text.encode(), "text/csv")
    return admin.send(IMPORT, {"source": "file", "file": file})


def test_import_shows_a_preview(admin, instance):
    page = upload(
        admin, "name;id;token;tags\nShop;S;secret-of-shop;Acme\n;instance.id;;\nBad;;t;\n"
    )
    for words in ("Add: 1", "Skip: 1", "Cannot be imported: 1", "The instance id is missing."):
        assert words in page
    assert "secret-of-shop" not in page
    assert Instance.objects.count() == 1


def test_import_preview_shows_the_changes_of_each_instance(admin, instance):
    page = unescape(upload(admin, "id;name;token;tags\ninstance.id;New;the-new-token;Acme\n"))
    assert "name Atendimento → New, token, tags + Acme" in page
    assert "the-new-token" not in page


def test_confirmed_import_is_done_and_pushed_by_the_worker(admin, zapi):
    upload(admin, "Nome,ID,Token,Client-Token,Cliente\nLoja São,S,secret,C,Acme\n")
    where = reverse("dashboard:instance-batch", args=[Batch.objects.get().pk])
    admin.send(where, {"push": "on"})
    work()
    instance = Instance.objects.get()
    assert (instance.name, [tag.name for tag in instance.tags.all()]) == ("Loja São", ["Acme"])
    assert zapi.instances["S"].urls["message-status"] == webhook_url(instance)


def test_import_of_a_file_without_the_columns_is_explained(admin):
    assert "There is no column called" in upload(admin, "a,b\n1,2\n")


def test_import_of_a_file_that_is_not_csv_is_explained(admin):
    assert "This is not a CSV file." in upload(admin, "a" * 200_000)


def test_limited_admin_cannot_import_a_partner_list_of_a_new_account(admin, instance):
    instance.account.partner_token = "the-partner-token"
    instance.account.save()
    UserLimit.objects.create(user=User.objects.get(), account=instance.account)
    assert "New account" not in admin.read(IMPORT)


def test_partner_list_can_be_imported(admin, zapi):
    zapi.instances["P"] = SimulatedInstance("P", "token-of-p")
    fields = {"source": "partner", "name": "Reseller", "partner_token": "the-partner-token"}
    assert "Add: 1" in admin.send(IMPORT, fields)
    assert Account.objects.get().partner_token.reveal() == "the-partner-token"
    event = AuditEvent.objects.get(action=Action.ACCOUNT_CHANGED)
    assert (event.actor_name, event.details["account"]) == ("Admin", "Reseller")


def test_wrong_partner_token_is_explained(admin, zapi):
    zapi.answer_name = "unauthorized"
    fields = {"source": "partner", "name": "Reseller", "partner_token": "the-partner-token"}
    page = admin.send(IMPORT, fields)
    assert "does not know this partner token" in page
    assert "the-partner-token" not in page
    assert not Account.objects.exists()


def test_new_partner_token_replaces_the_stored_one(admin, account, zapi):
    account.partner_token = "an-old-one"
    account.save()
    fields = {"source": "partner", "account": account.pk, "partner_token": "the-partner-token"}
    admin.send(IMPORT, fields)
    account.refresh_from_db()
    assert account.partner_token.reveal() == "the-partner-token"
    assert account.client_token.reveal() == "client-token-of-the-account"
    event = AuditEvent.objects.get(action=Action.ACCOUNT_CHANGED)
    assert event.details == {"account": "Loja", "fields": ["partner_token"]}


def test_partner_list_does_not_rename_instances(admin, instance, zapi):
    instance.account.partner_token = "the-partner-token"
    instance.account.save()
    zapi.instances[instance.zapi_id] = SimulatedInstance(instance.zapi_id, "another-token")
    page = admin.send(IMPORT, {"source": "partner", "account": instance.account.pk})
    assert "Update: 1" in page
    admin.send(reverse("dashboard:instance-batch", args=[Batch.objects.get().pk]))
    work()
    changed = Instance.objects.get()
    assert (changed.name, changed.token.reveal()) == ("Atendimento", "another-token")


def test_temporary_error_shows_the_next_retry(admin, path, instance, zapi):
    zapi.answer_name = "fault"
    admin.send(act("push", instance))
    work()
    assert "Next automatic try:" in admin.read(path)


def test_error_during_verify_fails_only_the_verify_step(admin, path, instance, zapi):
    push(instance)
    zapi.answer_name = "fault"
    page = admin.verify(instance)
    assert page.index("progress-step failed") > page.index("Pushed to Z-API")


def test_supervisor_sees_the_setup_steps_but_no_webhook_url(supervisor, path, instance, zapi):
    push(instance)
    page = supervisor.read(path)
    assert "Z-API calls this URL" in page
    assert "/webhooks/zapi/" not in page
    assert 'aria-labelledby="form-title"' not in page


@pytest.mark.parametrize("name", ["push", "verify"])
def test_supervisor_cannot_push_or_verify(supervisor, instance, path, zapi, name):
    assert supervisor.post(act(name, instance), secure=True).status_code == 403
    assert supervisor.post(path, {"name": "x"}, secure=True).status_code == 403
    assert zapi.calls == []


@pytest.mark.parametrize("name", ["push", "verify"])
def test_get_request_does_not_push_or_verify(admin, instance, zapi, name):
    assert admin.get(act(name, instance), secure=True).status_code == 405
    assert zapi.calls == []


def test_unknown_instance_is_not_found(admin):
    path = reverse("dashboard:instance", args=[999])
    assert admin.get(path, secure=True).status_code == 404


def test_token_policy_is_saved_and_audited(admin, path, instance):
    assert "Saved." in admin.send(act("token-policy", instance), {"policy": "enforce"})
    assert '<option value="enforce" selected>' in admin.read(path)
    details = AuditEvent.objects.get(action=Action.INSTANCE_CHANGED).details
    assert details["token_policy"] == "enforce"


def test_enforcing_the_token_needs_confirmation_if_callbacks_would_fail(
    admin, path, instance, post
):
    post(CALLBACK, HTTP_Z_API_TOKEN="another")
    post(CALLBACK)
    assert "1 with a wrong token, 1 without a token." in admin.read(path)
    assert "Saved." in admin.insist(act("token-policy", instance), {"policy": "enforce"})
    assert Instance.objects.get().token_policy == "enforce"


def test_refused_callbacks_are_counted(admin, path, instance, post):
    Instance.objects.update(token_policy="enforce")
    post(CALLBACK)
    assert "Refused since “Enforce” was chosen: 1" in admin.read(path)


def test_unprocessed_callbacks_are_mentioned_before_the_worker_runs(admin, path, post):
    post(CALLBACK)
    page = admin.read(path)
    assert "Callbacks have arrived. The worker has not processed them yet." in page
    follow_up()
    assert "Z-API has called Statusboard." in admin.read(path)


def test_callback_of_another_webhook_does_not_confirm_message_status(admin, path, post):
    post({"type": "ConnectedCallback", "connected": True})
    follow_up()
    page = " ".join(admin.read(path).split())
    assert re.search(r"Callbacks arrive \(Connected since \d\d:\d\d\)\. No message status", page)
    assert "first callback" in page


@pytest.mark.usefixtures("zapi")
def test_message_status_to_an_earlier_url_does_not_confirm_the_new_one(
    admin, path, instance, post, settings
):
    push(instance)
    post(CALLBACK)
    follow_up()
    assert "Z-API has called Statusboard." in admin.read(path)
    settings.PUBLIC_BASE_URL = "https://new.example.com"
    push(instance)
    assert "No message status has arrived at this URL yet" in admin.read(path)


def test_check_that_is_due_is_not_shown_as_earlier_than_the_last_one(admin, path, instance, zapi):
    push(instance)
    page = admin.read(path)
    assert re.search(r"next\s+any moment now", page)
    check(instance)
    assert "any moment now" not in admin.read(path)


def test_push_button_says_again_only_after_a_push(admin, path, instance, zapi):
    assert "Push again" not in admin.read(path)
    push(instance)
    assert "Push again" in admin.read(path)


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ("You need to restore the session.", "No QR code is needed"),
        ("You are not connected", "enter the phone code in WhatsApp"),
        ("You are already connected.", "Z-API’s reports contradict each other"),
        ("Something of tomorrow", "If that does not help, scan the QR code"),
    ],
)
def test_advice_for_a_disconnected_instance_depends_on_zapis_status(
    admin, instance, zapi, said, helps
):
    push(instance)
    look_at(zapi, instance).connected = False
    look_at(zapi, instance).status_error = said
    page = admin.verify(instance)
    assert said in page
    assert helps in page


def test_stuck_messages_and_zapis_queue_are_shown_separately(admin, path, instance):
    values = {"queued": 1020, "queued_is_least": True, "asked": "2026-10-06T12:00:00+00:00"}
    Incident.objects.create(
        kind="disconnected",
        instance=instance,
        opened_at=timezone.now(),
        last_seen_at=timezone.now(),
        values=values,
    )
    page = admin.read(path)
    assert "At least 1020 messages wait in Z-API’s queue, not sent yet." in page
    assert "Stuck messages" in page


def test_archiving_needs_confirmation_and_resolves_incidents(admin, path, instance, post):
    Incident.objects.create(
        kind="stuck", instance=instance, opened_at=timezone.now(), last_seen_at=timezone.now()
    )
    assert ">Restore</button>" in admin.insist(act("archive", instance))
    assert "Atendimento" not in admin.read(LIST)
    assert "Atendimento" in admin.read(f"{LIST}?archived=1")
    assert not Incident.objects.open().exists()
    assert not Notification.objects.exists()
    assert post(CALLBACK).status == 404


def test_restored_instance_is_verified_again(admin, instance, zapi, post):
    admin.insist(act("archive", instance))
    assert verify_due() == 0
    assert "Push to Z-API" in admin.send(act("unarchive", instance))
    assert verify_due() == 1
    assert post(CALLBACK).status == 200
    archived = [event.details.get("archived") for event in AuditEvent.objects.order_by("id")]
    assert archived == [True, False]


def test_archiving_offers_to_restore_previous_urls(admin, instance, zapi):
    push(instance, replacing=ANYTHING)
    zapi.instances[instance.zapi_id].urls["delivery"] = FOREIGN_URL
    push(instance, "delivery", replacing=ANYTHING)
    page = admin.send(act("archive", instance))
    assert "Restore previous URLs and archive" in page
    admin.send(act("archive", instance), {"confirmed": "first"})
    assert zapi.instances[instance.zapi_id].urls["delivery"] == FOREIGN_URL
    assert Instance.objects.get().archived_at


def test_instance_is_not_archived_if_restoring_urls_fails(admin, instance, zapi):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), urls={"delivery": FOREIGN_URL}
    )
    push(instance, "delivery", replacing=ANYTHING)
    zapi.answer_name = "fault"
    assert str(Problem.ZAPI_FAULT.label) in admin.send(
        act("archive", instance), {"confirmed": "first"}
    )
    assert Instance.objects.get().archived_at is None


def test_failed_step_shows_the_time_of_the_attempt(admin, path, instance, zapi):
    push(instance)
    past = timezone.now() - timedelta(days=2)
    Webhook.objects.update(checked_at=past)
    zapi.answer_name = "fault"
    push(instance)
    steps = panel(Instance.objects.get()).progress.steps
    failed = next(step for step in steps if step.mark == "failed")
    assert failed.moment
    assert timezone.now() - failed.moment.value < timedelta(minutes=1)


def test_question_about_a_foreign_url_stays_while_zapi_is_unreachable(admin, path, instance, zapi):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), urls={"message-status": FOREIGN_URL}
    )
    push(instance)
    zapi.answer_name = "fault"
    page = admin.verify(instance)
    assert "Replace and forward" in page
    assert "Z-API cannot be reached now" in page


def test_replaced_url_is_not_asked_about_if_the_read_back_fails(instance, zapi, monkeypatch):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), urls={"message-status": FOREIGN_URL}
    )
    real = ZapiClient.set_webhook

    def fail_afterwards(client, *arguments):
        real(client, *arguments)
        zapi.answer_name = "fault"

    monkeypatch.setattr(ZapiClient, "set_webhook", fail_afterwards)
    push(instance, replacing=ANYTHING)
    assert not panel(Instance.objects.get()).questions


def test_webhook_without_a_decision_is_not_shown_as_off(admin, path, instance):
    assert "Decided on first push" in admin.read(path)


def test_taken_webhooks_are_forwarded_to_their_previous_urls(admin, instance, zapi, post):
    push(instance)
    taken(zapi, instance, "received")
    assert 'name="forward"' in admin.read(act("every", instance))
    admin.send(act("every", instance), {"forward": "on"})
    for kind in ("ReceivedCallback", "PresenceChatCallback"):
        post({"type": kind, "messageId": "M", "phone": "5544"})
    follow_up()
    forward = Forward.objects.select_related("webhook").get()
    assert (forward.webhook.kind, forward.webhook.forward_to) == ("received", FOREIGN_URL)
    assert b"ReceivedCallback" in bytes(forward.body)
    assert set(zapi.instances[instance.zapi_id].urls.values()) == {webhook_url(instance)}


def test_webhooks_taken_with_all_others_are_not_pushed_or_verified(admin, path, instance, zapi):
    push(instance)
    taken(zapi, instance, "received")
    admin.send(act("every", instance), {"forward": "on"})
    work()
    admin.verify(instance)
    other = instance.webhooks.get(kind="received")
    assert (other.state, other.problem, other.pushed_url) == (WebhookState.OFF, "", "")
    where = reverse("dashboard:instance-webhook", args=[instance.pk, "received"])
    assert admin.post(where, {"action": "replace"}, secure=True).status_code == 404


def test_take_all_webhooks_with_an_unsafe_url_changes_nothing(admin, instance, zapi):
    push(instance)
    taken(zapi, instance, "received")
    zapi.instances[instance.zapi_id].urls["received"] = "ftp://crm.example.com/"
    admin.send(act("every", instance), {"forward": "on"})
    assert zapi.instances[instance.zapi_id].urls["received"] == "ftp://crm.example.com/"


def test_restore_others_restores_the_sent_by_me_setting(admin, instance, zapi):
    push(instance)
    taken(zapi, instance, "received")
    zapi.instances[instance.zapi_id].sent_by_me = True
    assert 'id="sent-by-me" checked' in admin.read(act("every", instance))
    admin.send(act("every", instance))
    assert not zapi.instances[instance.zapi_id].sent_by_me
    admin.insist(act("restore-others", instance))
    assert zapi.instances[instance.zapi_id].sent_by_me


def test_batch_with_instances_outside_the_users_limits_is_not_found(admin, instance):
    user = User.objects.get(username=ADMIN)
    batch = start_for([instance], BatchKind.VERIFY, by=user)
    url = reverse("dashboard:instance-batch", args=[batch.pk])
    assert admin.get(url, secure=True).status_code == 200
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    UserLimit.objects.create(user=user, instance=other)
    assert admin.get(url, secure=True).status_code == 404
    assert admin.post(url, {"action": "again"}, secure=True).status_code == 404


def test_list_search_covers_name_id_and_tag(admin, instance):
    other = Instance.objects.create(account=instance.account, name="Cobrança Sul", zapi_id="XYZ9")
    set_tags(other, ["Acme"])
    for words in ("cobranca", "sul COBR", "xyz", "acme sul"):
        page = admin.read(f"{LIST}?q={words}")
        assert "XYZ9" in page
        assert instance.zapi_id not in page
    assert "No instances found" in admin.read(f"{LIST}?q=nowhere")


def test_list_is_paginated(admin, account):
    for number in range(60):
        Instance.objects.create(account=account, name=f"N{number:02}", zapi_id=f"Z{number:02}")
    first, second = admin.read(LIST), admin.read(f"{LIST}?page=2")
    assert first.count('class="row-link"') == 50
    assert second.count('class="row-link"') == 10
    assert "1–50 of 60" in first


def test_verify_all_with_a_search_covers_only_its_results(admin, instance):
    Instance.objects.create(account=instance.account, name="Sul", zapi_id="S")
    admin.send(BATCHES, {"kind": "verify", "q": "sul"})
    rows = Batch.objects.get().rows
    assert list(rows.values_list("instance__name", flat=True)) == ["Sul"]
