"""Exports written by the worker: request, progress, download and expiry."""

import dataclasses
import io
import threading
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone, translation

from messages.accounts.audit import audit
from messages.accounts.roles import ADMIN
from messages.exports import (
    ask_for_file,
    export_jobs,
    file_contents,
    forget_old_exports,
    message_columns,
    prepare_exports,
)
from messages.models import (
    Action,
    AuditEvent,
    ExportJob,
    ExportKind,
    ExportPiece,
    Instance,
    Message,
    UserLimit,
)
from messages.privacy import continue_erasures, find_person, request_erasure
from tests.exports.test_export import take
from tests.plugins.pages import HttpsClient


@pytest.fixture(autouse=True)
def _two_take_longer_than_a_moment(monkeypatch):
    monkeypatch.setattr("messages.dashboard.exports.views.AT_ONCE", 1)
    monkeypatch.setattr(export_jobs, "PIECE", 1000)


@pytest.fixture
def address(taker, report):
    """The URL of an export that the worker has not written yet."""
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    return take(taker, kind="xlsx")["Location"]


def sheet_of(answer):
    book = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert book.testzip() is None
    return book.read("xl/worksheets/sheet1.xml").decode()


def test_long_workbook_is_written_by_the_worker(taker, address):
    assert "Starting…" in taker.get(address).content.decode()
    prepare_exports()
    assert "Rows: 2." in taker.get(address).content.decode()
    sheet = sheet_of(taker.get(f"{address}file/"))
    assert "3EB0A" in sheet
    assert "3EB0B" in sheet
    assert ExportPiece.objects.count() > 1


def test_short_workbook_is_returned_at_once(taker, report):
    report("SENT")
    assert "3EB0A1" in sheet_of(take(taker, kind="xlsx"))
    assert not ExportJob.objects.exists()


class Stop(threading.Event):
    """A stop event that is set after a number of checks."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0


def test_export_page_shows_the_progress(taker, address, monkeypatch):
    monkeypatch.setattr(message_columns, "CHUNK", 1)
    monkeypatch.setattr(export_jobs, "TELLS_EVERY", 0)
    prepare_exports(Stop(1))
    progress = f"{address}progress/"
    assert "1 of 2 rows" in taker.get(progress).content.decode()
    assert taker.get(progress, {"seen": "1"}).status_code == 204


def test_export_of_a_stopped_worker_is_finished_by_another(taker, address):
    prepare_exports(Stop(1))
    assert taker.get(f"{address}file/").status_code == 404
    prepare_exports()
    assert "3EB0A" in sheet_of(taker.get(f"{address}file/"))


def test_finished_export_reloads_its_page(taker, address):
    prepare_exports()
    assert taker.get(f"{address}progress/")["HX-Refresh"] == "true"


def test_leased_export_is_skipped(address):
    ExportJob.objects.update(next_try_at=timezone.now() + export_jobs.LEASE)
    assert prepare_exports() == 0


def test_same_export_requested_twice_is_one_file(taker, address):
    assert take(taker, kind="xlsx")["Location"] == address


def test_exports_per_user_are_limited(taker, address, monkeypatch):
    monkeypatch.setattr(export_jobs, "MAX_KEPT", 2)
    for days in ("24h", "7d", "30d"):
        take(taker, f"?period={days}", kind="xlsx")
    assert ExportJob.objects.count() == 2
    assert taker.get(address).status_code == 404


def test_export_of_another_user_is_not_found(address):
    prepare_exports()
    other = User.objects.create_superuser("boss")
    browser = HttpsClient()
    browser.force_login(other)
    for path in (address, f"{address}progress/", f"{address}file/"):
        assert browser.get(path).status_code == 404


def test_export_contains_only_visible_instances(taker, address, supervisor, account):
    other = Instance.objects.create(account=account, name="Other", zapi_id="other")
    UserLimit.objects.create(user=supervisor, instance=other)
    prepare_exports()
    assert "3EB0" not in sheet_of(taker.get(f"{address}file/"))


def test_export_masks_numbers_for_a_masked_user(taker, address, supervisor):
    may_do_no_more_than(supervisor, "view_message", "export_message")
    prepare_exports()
    sheet = sheet_of(taker.get(f"{address}file/"))
    assert "•••• 99" in sheet
    assert "5544999999999" not in sheet


def test_export_cannot_be_downloaded_after_access_is_reduced(taker, address, supervisor):
    prepare_exports()
    may_do_no_more_than(supervisor, "view_message", "export_message")
    answer = taker.get(f"{address}file/", follow=True)
    assert "Your access changed" in answer.content.decode()


def test_export_fails_after_the_permission_is_removed(address, supervisor):
    may_do_no_more_than(supervisor, "view_message")
    prepare_exports()
    assert ExportJob.objects.get().state == "failed"
    assert not ExportPiece.objects.exists()


def may_do_no_more_than(user, *names):
    user.groups.clear()
    user.user_permissions.set(Permission.objects.filter(codename__in=names))


def test_download_is_audited_without_the_search_text(taker, supervisor, report):
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    address = take(taker, "?q=5544999999999", kind="xlsx")["Location"]
    prepare_exports()
    taker.get(f"{address}file/")
    event = AuditEvent.objects.get(action=Action.EXPORTED)
    assert event.actor == supervisor
    assert event.details == {"format": "xlsx", "messages": 2, "filters": ["q"]}


def test_export_uses_the_requesters_language_and_time_zone(taker, report):
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    taker.cookies["django_language"] = "pt-br"
    taker.cookies["statusboard_time_zone"] = "America/Sao_Paulo"
    with translation.override("en"):
        address = take(taker, kind="xlsx")["Location"]
    prepare_exports()
    sheet = sheet_of(taker.get(f"{address}file/"))
    assert "Enviada" in sheet
    assert "(America/Sao_Paulo)" in sheet


def test_export_of_today_uses_the_requesters_time_zone(taker, report, clock):
    clock.now = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    # Today on Kiritimati, 14 hours ahead of UTC; yesterday elsewhere.
    Message.objects.update(first_heard_at=datetime(2026, 11, 19, 11, 0, tzinfo=UTC))
    taker.cookies["statusboard_time_zone"] = "Pacific/Kiritimati"
    address = take(taker, "?period=today", kind="xlsx")["Location"]
    prepare_exports()
    assert "Rows: 2." in taker.get(address).content.decode()


def test_expired_export_is_deleted(taker, address):
    prepare_exports()
    ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert taker.get(f"{address}file/").status_code == 404
    forget_old_exports()
    assert not ExportPiece.objects.exists()


def test_erasure_deletes_every_export(address):
    prepare_exports()
    request_erasure(find_person("5544999999999"), None)
    continue_erasures()
    assert not ExportJob.objects.exists()
    assert not ExportPiece.objects.exists()


def test_export_deleted_while_it_is_written_stays_deleted(address, monkeypatch):
    class Erased(threading.Event):
        def is_set(self) -> bool:
            erased = ExportJob.objects.exclude(started_at=None).delete()
            return bool(erased[0]) and False

    monkeypatch.setattr(export_jobs, "TELLS_EVERY", 0)
    prepare_exports(Erased())
    assert not ExportJob.objects.exists()
    assert not ExportPiece.objects.exists()


def test_export_that_fails_repeatedly_is_given_up(taker, address):
    ExportJob.objects.update(zone="Nowhere/Land", tries=export_jobs.MAX_TRIES)
    prepare_exports()
    assert "The export failed." in taker.get(address).content.decode()


def text_of(answer):
    body = answer.getvalue()
    assert answer["Content-Length"] == str(len(body))
    return body.decode("utf-8-sig")


def test_long_csv_is_written_by_the_worker(taker, report):
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    at_once = rows_of(take_at_once(taker))
    address = take(taker)["Location"]
    prepare_exports()
    answer = taker.get(f"{address}file/")
    assert answer["Content-Disposition"].endswith('.csv"')
    assert rows_of(text_of(answer)) == at_once
    assert len(at_once) == 3


def rows_of(text):
    return text.split("\r\n")[:-1]


def take_at_once(client):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("messages.dashboard.exports.views.AT_ONCE", 2)
        return take(client).content.decode("utf-8-sig")


def test_short_csv_is_returned_at_once(taker, report):
    report("SENT", id="3EB0A")
    answer = take(taker)
    assert not answer.streaming
    assert answer["Content-Length"] == str(len(answer.content))
    assert not ExportJob.objects.exists()


def test_csv_stored_in_many_pieces_is_downloaded_complete(taker, report, monkeypatch):
    for number in range(30):
        report("SENT", id=f"3EB{number}")
    monkeypatch.setattr(message_columns, "CHUNK", 7)
    address = take(taker)["Location"]
    prepare_exports()
    assert ExportPiece.objects.count() > 3
    assert len(rows_of(text_of(taker.get(f"{address}file/")))) == 31


def test_csv_and_workbook_of_one_filter_are_separate_exports(taker, address):
    assert take(taker)["Location"] != address


def test_too_large_csv_is_refused_with_advice(taker, report, monkeypatch):
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    csv = file_contents.CONTENTS[ExportKind.CSV]
    monkeypatch.setitem(file_contents.CONTENTS, ExportKind.CSV, dataclasses.replace(csv, most=1))
    address = take(taker)["Location"]
    prepare_exports()
    assert "Too many messages for one file" in taker.get(address).text
    assert not ExportPiece.objects.exists()


def asked_by(name, number):
    user = User.objects.create_superuser(name)
    return [ask_for_file(user, ExportKind.CSV, f"period={n}d", "UTC") for n in range(number)]


class StopAfterTwoFiles(threading.Event):
    def is_set(self) -> bool:
        return ExportJob.objects.filter(state="done").count() >= 2


def test_many_exports_of_one_user_do_not_delay_others(db):
    asked_by("greedy", 5)
    asked_by("modest", 1)
    prepare_exports(StopAfterTwoFiles())
    done = ExportJob.objects.filter(state="done").values_list("by__username", flat=True)
    assert "modest" in done


def test_only_one_export_of_a_user_is_written_at_a_time(db):
    first, _second = asked_by("greedy", 2)
    ExportJob.objects.filter(pk=first.pk).update(
        started_at=timezone.now(), next_try_at=timezone.now() + export_jobs.LEASE
    )
    assert prepare_exports() == 0


def test_repeated_export_requests_leave_a_limited_number_of_exports(taker, report):
    report("SENT", id="3EB0A")
    report("SENT", id="3EB0B")
    for number in range(18):
        take(taker, f"?period=all&q={number}" if number % 2 else "?period=all")
    assert ExportJob.objects.count() <= export_jobs.MAX_KEPT


@pytest.fixture
def chief(db):
    user = User.objects.create_user("chief")
    user.groups.add(Group.objects.get(name=ADMIN))
    browser = HttpsClient()
    browser.force_login(user)
    return browser


def test_long_audit_log_is_written_by_the_worker(chief, monkeypatch):
    monkeypatch.setattr("messages.dashboard.audit.views.AT_ONCE", 1)
    for number in range(3):
        audit(None, Action.PURGED, details={"rows": number})
    address = chief.post("/audit/export/?action=purged")["Location"]
    prepare_exports()
    assert "/audit/?action=purged" in chief.get(address).text
    lines = rows_of(text_of(chief.get(f"{address}file/")))
    assert [line.split(",")[-1] for line in lines[1:]] == ['"rows: 2"', '"rows: 1"', '"rows: 0"']
    event = AuditEvent.objects.get(action=Action.AUDIT_EXPORTED)
    assert (event.actor_name, event.details) == ("chief", {"action": "purged", "rows": 3})


@pytest.mark.parametrize("kind", [ExportKind.AUDIT, ExportKind.PERSON])
def test_user_who_may_export_messages_cannot_export_other_data(taker, supervisor, kind):
    job = ask_for_file(supervisor, kind, "person=5544999999999", "UTC")
    prepare_exports()
    job.refresh_from_db()
    assert job.state == "failed"
    assert taker.get(f"/exports/{job.pk}/").status_code == 403
    assert taker.get(f"/exports/{job.pk}/file/").status_code == 403


def test_personal_data_export_fails_after_the_user_is_limited(chief, report, account):
    report("SENT", id="3EB0A")
    address = chief.post("/privacy/export/", {"person": "5544999999999"})["Location"]
    UserLimit.objects.create(user=User.objects.get(username="chief"), account=account)
    prepare_exports()
    assert ExportJob.objects.get().state == "failed"
    assert chief.get(f"{address}file/").status_code == 403
