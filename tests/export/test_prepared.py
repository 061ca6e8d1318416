"""Workbooks that the worker writes: asked for, watched, fetched by one person only, and gone."""

import io
import threading
import zipfile
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone, translation

from messages.export import forget_old_exports, prepare, prepare_exports, rows
from messages.models import Action, AuditEvent, ExportJob, ExportPiece, Instance, UserLimit
from messages.privacy import carry_on, request_erasure, who_is
from tests.dashboard.conftest import HttpsClient, _quick_passwords, report
from tests.export.test_export import client, supervisor, take, taker

__all__ = ["_quick_passwords", "client", "report", "supervisor", "taker"]


@pytest.fixture(autouse=True)
def _two_take_longer_than_a_moment(monkeypatch):
    monkeypatch.setattr("messages.dashboard.export.AT_ONCE", 1)
    monkeypatch.setattr(prepare, "PIECE", 1000)


@pytest.fixture
def address(taker, report):
    """The address of an export that the worker has still to write."""
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    return take(taker, kind="xlsx")["Location"]


def sheet_of(answer):
    book = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert book.testzip() is None
    return book.read("xl/worksheets/sheet1.xml").decode()


def test_a_long_workbook_is_written_by_the_worker(taker, address):
    assert "It begins in a moment." in taker.get(address).content.decode()
    prepare_exports()
    assert "2 messages were written." in taker.get(address).content.decode()
    sheet = sheet_of(taker.get(f"{address}file/"))
    assert "3EB0A" in sheet
    assert "3EB0B" in sheet
    assert ExportPiece.objects.count() > 1


def test_a_short_one_comes_at_once(taker, report):
    report("SENT")
    assert "3EB0A1" in sheet_of(take(taker, kind="xlsx"))
    assert not ExportJob.objects.exists()


def test_the_page_tells_how_far_it_has_come(taker, address, monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", 1)
    stop = threading.Event()
    monkeypatch.setattr(prepare, "_tell", stopping_after_one(prepare._tell, stop))
    prepare_exports(stop)
    progress = f"{address}progress/"
    assert "1 of 2 messages are written." in taker.get(progress).content.decode()
    assert taker.get(progress, {"seen": "1"}).status_code == 204


def stopping_after_one(tell, stop):
    def told(job, _stop, written):
        stop.set()
        tell(job, _stop, written)

    return told


def test_what_a_stopped_worker_leaves_another_one_finishes(taker, address, monkeypatch):
    stop = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "_tell", stopping_after_one(prepare._tell, stop))
        prepare_exports(stop)
    assert taker.get(f"{address}file/").status_code == 404
    prepare_exports()
    assert "3EB0A" in sheet_of(taker.get(f"{address}file/"))


def test_once_it_is_over_the_page_is_loaded_again(taker, address):
    prepare_exports()
    assert taker.get(f"{address}progress/")["HX-Refresh"] == "true"


def test_a_worker_leaves_alone_what_another_one_writes(address):
    ExportJob.objects.update(next_try_at=timezone.now() + prepare.LEASE)
    assert prepare_exports() == 0


def test_asking_twice_is_one_file(taker, address):
    assert take(taker, kind="xlsx")["Location"] == address


def test_nobody_keeps_more_than_a_few(taker, address, monkeypatch):
    monkeypatch.setattr(prepare, "MOST_KEPT", 2)
    for days in ("24h", "7d", "30d"):
        take(taker, f"?period={days}", kind="xlsx")
    assert ExportJob.objects.count() == 2
    assert taker.get(address).status_code == 404


def test_it_is_for_whoever_asked_and_nobody_else(address):
    prepare_exports()
    other = User.objects.create_superuser("boss")
    browser = HttpsClient()
    browser.force_login(other)
    for path in (address, f"{address}progress/", f"{address}file/"):
        assert browser.get(path).status_code == 404


def test_it_holds_what_the_person_may_see_and_no_more(taker, address, supervisor, account):
    other = Instance.objects.create(account=account, name="Other", zapi_id="other")
    UserLimit.objects.create(user=supervisor, instance=other)
    prepare_exports()
    assert "3EB0" not in sheet_of(taker.get(f"{address}file/"))


def test_numbers_are_masked_for_whom_they_are(taker, address, supervisor):
    may_do_no_more_than(supervisor, "view_message", "export_message")
    prepare_exports()
    sheet = sheet_of(taker.get(f"{address}file/"))
    assert "•••• 99" in sheet
    assert "5544999999999" not in sheet


def test_who_may_see_less_by_now_does_not_get_it(taker, address, supervisor):
    prepare_exports()
    may_do_no_more_than(supervisor, "view_message", "export_message")
    answer = taker.get(f"{address}file/", follow=True)
    assert "What you may see has changed" in answer.content.decode()


def test_for_who_may_export_no_longer_none_is_written(address, supervisor):
    may_do_no_more_than(supervisor, "view_message")
    prepare_exports()
    assert ExportJob.objects.get().state == "failed"
    assert not ExportPiece.objects.exists()


def may_do_no_more_than(user, *names):
    user.groups.clear()
    user.user_permissions.set(Permission.objects.filter(codename__in=names))


def test_each_download_is_written_down_without_what_was_looked_for(taker, supervisor, report):
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    address = take(taker, "?q=5544999999999", kind="xlsx")["Location"]
    prepare_exports()
    taker.get(f"{address}file/")
    event = AuditEvent.objects.get(action=Action.EXPORTED)
    assert event.actor == supervisor
    assert event.details == {"format": "xlsx", "messages": 2, "filters": ["q"], "complete": True}


def test_words_and_times_are_those_of_who_asked(taker, report):
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    taker.cookies["django_language"] = "pt-br"
    with translation.override("en"):
        address = take(taker, kind="xlsx")["Location"]
    prepare_exports()
    sheet = sheet_of(taker.get(f"{address}file/"))
    assert "Enviada" in sheet
    assert "(America/Sao_Paulo)" in sheet


def test_after_a_day_it_is_gone(taker, address):
    prepare_exports()
    ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert taker.get(f"{address}file/").status_code == 404
    forget_old_exports()
    assert not ExportPiece.objects.exists()


def test_an_erasure_ends_every_file(address):
    prepare_exports()
    request_erasure(who_is("5544999999999"), None)
    carry_on()
    assert not ExportJob.objects.exists()
    assert not ExportPiece.objects.exists()


def test_a_file_that_is_erased_while_it_is_written_stays_erased(address, monkeypatch):
    tell = prepare._tell

    def erased_meanwhile(job, stop, written):
        ExportJob.objects.all().delete()
        tell(job, stop, written)

    monkeypatch.setattr(prepare, "_tell", erased_meanwhile)
    prepare_exports()
    assert not ExportJob.objects.exists()


def test_one_that_fails_again_and_again_is_given_up(taker, address):
    ExportJob.objects.update(zone="Nowhere/Land", tries=prepare.MOST_TRIES)
    prepare_exports()
    assert "could not be written" in taker.get(address).content.decode()
