"""A user with every permission except see_phones never sees a full phone number."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messages.accounts.api_keys import issue
from messages.accounts.encrypted_addresses import encrypt_address
from messages.accounts.roles import SUPPORT
from messages.incidents.incident_counts import incident_counts
from messages.jobs.follow_ups import follow_up
from messages.models import (
    ApiKey,
    Callback,
    Incident,
    IncidentKind,
    Instance,
    Label,
    Message,
    SavedView,
)
from tests.accounts.routes import OWN_ROUTES

NUMBER, OLD_FORM, LID = "5544987654321", "554487654321", "123456789012345@lid"
# Four consecutive digits of these numbers, plain or formatted.
DIGITS = re.compile(r"8765|7654|6543|5432|1234567|98765-4321")


@pytest.fixture
def masked(client: Client, db: None) -> Client:
    user = User.objects.create_user("masked", "masked@example.com", "a-long-password")
    user.user_permissions.set(Permission.objects.exclude(codename="see_phones"))
    client.force_login(user)
    return client


@pytest.fixture
def message(deliver, report, post, instance) -> Message:
    post({"type": "MessageStatusCallback", "status": "SENT", "phone": NUMBER})  # no id: quarantined
    deliver("A1", phone=NUMBER)
    report("READ", id="A1", phone=LID)
    report("SENT", id="OLD", phone=OLD_FORM)
    report("SENT", id="LID", phone=LID)
    report("SENT", id="OLD GROUP", phone=f"{NUMBER}-1623281429", isGroup=True)
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("READ", id="GROUP", participant=NUMBER, **group)
    report("READ", id="GROUP", participant=LID.removesuffix("@lid"), **group)
    deliver("FAILED", error=f"Phone number {NUMBER} does not exist")
    now = timezone.now()
    label = {"label": "Order of +55 (44) 98765-4321", "reference": f"C-{NUMBER}"}
    Label.objects.create(instance=instance, zapi_id="A1", updated_at=now, **label)
    Incident.objects.create(
        kind=IncidentKind.DISCONNECTED,
        instance=instance,
        opened_at=now - timedelta(hours=11),
        last_seen_at=now,
        values={"reason": f"the session of {NUMBER} ended"},
        note=f"Asked {NUMBER} to call",
    )
    Instance.objects.update(connection_reason=f"the session of {NUMBER} ended")
    incident_counts.refresh()
    follow_up()
    return Message.objects.get(zapi_id="A1")


def seen(answer) -> str:
    body = b"".join(answer) if answer.streaming else answer.content
    if body.startswith(b"PK"):  # a spreadsheet
        with ZipFile(BytesIO(body)) as archive:
            body = b"".join(archive.read(name) for name in archive.namelist())
            # A spreadsheet stores times as numbers, whose digits could match by accident.
            body = re.sub(rb"<v>\d+\.\d+</v>", b"", body)
    return f"{body.decode('utf-8', 'replace')} {answer.headers.get('Location', '')}"


def test_every_page_masks_numbers(masked, message, instance):
    callbacks = (message.events.first().callback_id, Callback.objects.quarantined().get().pk)
    paths = {
        route.path(pk=pk, uuid=callback, text=encrypt_address(NUMBER))
        for route in OWN_ROUTES
        for pk in (message.pk, instance.pk)
        for callback in callbacks
    }
    assert not [path for path in paths if DIGITS.search(seen(masked.get(path, secure=True)))]


def test_reason_for_a_stuck_message_masks_numbers(masked, message, report):
    report("SENT", id="STUCK", minutes_ago=600)
    page = masked.get("/", secure=True).content.decode()
    assert "the session of" in page
    assert not DIGITS.search(page)


@pytest.mark.parametrize("name", ["OLD", "LID", "GROUP", "OLD GROUP", "FAILED"])
def test_message_page_masks_numbers(masked, message, name):
    page = masked.get(f"/messages/{Message.objects.get(zapi_id=name).pk}/", secure=True)
    assert page.status_code == 200
    assert not DIGITS.search(page.content.decode())


def test_masked_user_cannot_search_by_address_in_the_url(masked, message):
    for text in ("8765-4321", "+5544", "7654"):
        assert masked.get("/", {"q": text}, secure=True).url == "/"
    for text in (NUMBER, LID):
        assert (
            masked.get("/", {"q": text}, secure=True).url == f"/?recipient={encrypt_address(text)}"
        )


def test_search_by_full_number_redirects_to_a_url_without_the_number(masked, message):
    answer = masked.post("/search/", {"q": "+55 (44) 9 8765-4321"}, secure=True)
    assert answer.url == f"/recipients/{encrypt_address(NUMBER)}/"
    page = masked.get(answer.url, secure=True)
    assert {row.message.zapi_id for row in page.context["rows"]} == {"A1", "OLD", "LID"}
    assert not DIGITS.search(answer.url + page.content.decode())


@pytest.fixture
def staff(masked: Client) -> Client:
    User.objects.update(is_staff=True)
    return masked


def test_django_admin_masks_numbers(staff, message):
    paths = [reverse("admin:index")]
    for name, rows in {
        "message": Message.objects.all(),
        "callback": Callback.objects.all(),
    }.items():
        paths.append(reverse(f"admin:whatsapp_{name}_changelist"))
        paths += [reverse(f"admin:whatsapp_{name}_change", args=[row.pk]) for row in rows]
    pages = {path: staff.get(path, secure=True) for path in paths}
    assert {page.status_code for page in pages.values()} == {200}
    assert not [path for path, page in pages.items() if DIGITS.search(seen(page))]


def test_django_admin_search_by_number_finds_nothing(staff, message):
    path = reverse("admin:whatsapp_message_changelist")
    assert staff.get(path, {"q": NUMBER}, secure=True).context["cl"].result_count == 0
    assert staff.get(path, {"phone__startswith": "5544"}, secure=True).status_code == 400


@pytest.mark.parametrize("text", ["8765-4321", "+5544", "7654"])
def test_search_by_partial_number_is_refused(masked, message, text):
    answer = masked.post("/search/", {"q": text}, secure=True, follow=True)
    assert "Your role can only search by full number" in answer.content.decode()


def test_masked_user_can_search_by_message_id(masked, message):
    assert masked.post("/search/", {"q": "A1"}, secure=True).url == "/?q=A1"


@pytest.mark.parametrize("path", ["/", "/attention/", "/api/v1/events/", "/api/v1/messages/"])
def test_numbers_in_labels_and_notes_are_masked(masked, message, path):
    text = seen(masked.get(path, secure=True))
    assert "•••• 21" in text
    assert not DIGITS.search(text)


def test_saved_view_with_a_number_is_hidden_from_masked_user(masked, message):
    person = User.objects.get(username="masked")
    for query in (f"q={NUMBER}", f"q={NUMBER}-1623281429", "q=A1"):
        saved = SavedView.objects.create(user=person, name=query[-3:], query=query)
    links = masked.get("/", secure=True).context["saved_links"]
    assert [link.url for link in links] == ["/?q=A1"]
    assert masked.post(f"/views/{saved.pk - 1}/delete/", secure=True).status_code == 404


def test_search_by_number_without_messages_returns_to_the_search(masked, message):
    page = masked.post("/search/", {"q": "5511912345678"}, secure=True, follow=True)
    assert "No messages for this recipient" in page.content.decode()


def test_masked_role_stays_masked_after_migrate(settings, client, message):
    settings.MASK_PHONES_FOR = ["support"]
    call_command("migrate", verbosity=0)
    ana = User.objects.create_user("ana")
    ana.groups.add(Group.objects.get(name=SUPPORT))
    client.force_login(ana)
    assert not DIGITS.search(seen(client.get("/", secure=True)))


def test_api_key_of_a_masked_role_gets_masked_numbers(settings, client, message):
    settings.MASK_PHONES_FOR = ["support"]
    key = {"authorization": f"Bearer {issue(ApiKey(name='CRM', role='support'), by=None)}"}
    text = seen(client.get("/api/v1/messages/?period=all", headers=key, secure=True))
    assert "•••• 21" in text
    assert not DIGITS.search(text)


def test_masking_of_an_unknown_role_is_refused_at_start():
    told = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=os.environ | {"MASK_PHONES_FOR": "support,boss"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "MASK_PHONES_FOR must be a list of roles" in told.stderr


def test_export_masks_numbers(masked, message):
    for form in ("csv", "xlsx"):
        answer = masked.post("/messages/exports/", {"format": form}, secure=True)
        assert answer.status_code == 200
        assert not DIGITS.search(seen(answer))
