"""Who may do everything but see whole numbers: no page and no answer shows one."""

import re
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from messages.finding.opaque import seal
from messages.models import Callback, Message
from messages.worker.follow_ups import follow_up
from tests.access.routes import OWN_ROUTES

NUMBER, OLD_FORM, LID = "5544987654321", "554487654321", "123456789012345@lid"
# Any four digits of theirs in a row, as they are or as a person writes them.
DIGITS = re.compile(r"8765|7654|6543|5432|1234567|98765-4321")


@pytest.fixture
def masked(client: Client, db: None) -> Client:
    user = User.objects.create_user("masked", "masked@example.com", "a-long-password")
    user.user_permissions.set(Permission.objects.exclude(codename="see_phones"))
    client.force_login(user)
    return client


@pytest.fixture
def message(deliver, report, post) -> Message:
    post({"type": "MessageStatusCallback", "status": "SENT", "phone": NUMBER})  # no id: quarantined
    deliver("A1", phone=NUMBER)
    report("READ", id="A1", phone=LID)
    report("SENT", id="OLD", phone=OLD_FORM)
    report("SENT", id="LID", phone=LID)
    report("SENT", id="OLD GROUP", phone=f"{NUMBER}-1623281429", isGroup=True)
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("READ", id="GROUP", participant=NUMBER, **group)
    report("READ", id="GROUP", participant=LID.removesuffix("@lid"), **group)
    follow_up()
    return Message.objects.get(zapi_id="A1")


def seen(answer) -> str:
    body = b"".join(answer) if answer.streaming else answer.content
    if body.startswith(b"PK"):  # a spreadsheet
        with ZipFile(BytesIO(body)) as archive:
            body = b"".join(archive.read(name) for name in archive.namelist())
    return f"{body.decode('utf-8', 'replace')} {answer.headers.get('Location', '')}"


def test_no_page_shows_a_number(masked, message, instance):
    callbacks = (message.events.first().callback_id, Callback.objects.quarantined().get().pk)
    paths = {
        route.path(pk=pk, uuid=callback, text=seal(NUMBER))
        for route in OWN_ROUTES
        for pk in (message.pk, instance.pk)
        for callback in callbacks
    }
    assert not [path for path in paths if DIGITS.search(seen(masked.get(path, secure=True)))]


@pytest.mark.parametrize("name", ["OLD", "LID", "GROUP", "OLD GROUP"])
def test_no_message_shows_a_number(masked, message, name):
    page = masked.get(f"/messages/{Message.objects.get(zapi_id=name).pk}/", secure=True)
    assert page.status_code == 200
    assert not DIGITS.search(page.content.decode())


def test_no_search_by_an_address_shows_or_finds_one(masked, message):
    for text in (NUMBER, "8765-4321", "+5544", "7654", LID):
        assert masked.get("/", {"q": text}, secure=True).url == "/"


def test_a_whole_number_leads_to_an_address_that_does_not_show_it(masked, message):
    answer = masked.post("/search/", {"q": "+55 (44) 9 8765-4321"}, secure=True)
    assert answer.url == f"/recipients/{seal(NUMBER)}/"
    page = masked.get(answer.url, secure=True)
    assert {row.message.zapi_id for row in page.context["rows"]} == {"A1", "OLD", "LID"}
    assert not DIGITS.search(answer.url + page.content.decode())


@pytest.mark.parametrize("text", ["8765-4321", "+5544", "7654"])
def test_a_part_of_a_number_leads_nowhere(masked, message, text):
    answer = masked.post("/search/", {"q": text}, secure=True, follow=True)
    assert "Type the whole number" in answer.content.decode()


def test_an_id_is_searched_for_as_ever(masked, message):
    assert masked.post("/search/", {"q": "A1"}, secure=True).url == "/?q=A1"


def test_no_export_shows_a_number(masked, message):
    for form in ("csv", "xlsx"):
        answer = masked.post("/messages/export/", {"format": form}, secure=True)
        assert answer.status_code == 200
        assert not DIGITS.search(seen(answer))
