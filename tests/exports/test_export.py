import csv
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from messages.exports import csv_line, csv_writer, message_columns
from messages.models import Action, AuditEvent, Instance, Label, UserLimit

URL = "/messages/exports/"


def take(client, query="", kind="csv"):
    return client.post(URL + query, {"format": kind})


def table(client, query=""):
    """The rows of the CSV as dicts by column heading."""
    text = take(client, query).getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("query", ["?since=0001-01-01T00:00Z", "?until=9999-12-31T23:59Z"])
def test_filter_with_an_extreme_time_exports_everything(taker, report, query):
    report("SENT")
    assert len(table(taker, query)) == 1


class TestCsv:
    def test_row_contains_the_data_of_a_message(self, taker, report):
        message = report("SENT", "RECEIVED", id="3EB0A1")
        (row,) = table(taker)
        assert (row["Status"], row["Recipient"], row["Message id"]) == (
            "Delivered",
            "5544999999999",
            "3EB0A1",
        )
        assert row["Sent"] == message.sent_at.isoformat(timespec="seconds")
        assert row["Read"] == ""

    def test_export_contains_only_filtered_messages(self, taker, report):
        report("SENT", "READ", id="A")
        report("SENT", id="B")
        assert [row["Message id"] for row in table(taker, "?status=read")] == ["A"]

    def test_export_in_several_chunks_is_newest_first_without_duplicates(
        self, taker, report, monkeypatch
    ):
        monkeypatch.setattr(message_columns, "CHUNK", 2)
        monkeypatch.setattr(csv_writer, "LINES", 2)
        for name in "ABCDE":
            report("SENT", id=name)
        assert [row["Message id"] for row in table(taker)] == list("EDCBA")

    def test_export_with_a_date_filter_is_sorted_by_sending_time(self, taker, report, monkeypatch):
        monkeypatch.setattr(message_columns, "CHUNK", 2)
        for minutes_ago, name in enumerate("ABCDE"):
            report("SENT", id=name, minutes_ago=minutes_ago)
        found = table(taker, "?until=2099-01-01T00:00Z")
        assert [row["Message id"] for row in found] == list("ABCDE")

    def test_times_are_in_the_users_time_zone(self, taker, report):
        message = report("SENT")
        taker.cookies["statusboard_time_zone"] = "America/Sao_Paulo"
        (row,) = table(taker)
        assert row["Sent"].endswith("-03:00")
        assert datetime.fromisoformat(row["Sent"]).astimezone(UTC) == message.sent_at

    @given(
        at=st.integers(1_230_768_000, 4_102_444_799),
        name=st.sampled_from(["America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
    )
    def test_time_is_written_in_iso_8601(self, at, name):
        there = ZoneInfo(name)
        assert csv_writer.iso_moment(at, there) == datetime.fromtimestamp(at, there).isoformat()

    @pytest.mark.parametrize(("few", "queries"), [(1000, 2), (0, 5)])
    def test_events_are_read_in_one_query_only_if_there_are_few(
        self, taker, report, monkeypatch, few, queries
    ):
        monkeypatch.setattr(message_columns, "FEW", few)
        for number in range(100):
            report("SENT", id=f"G{number}", phone="120363019502650977-group", isGroup=True)
        with CaptureQueriesContext(connection) as asked:
            assert len(table(taker)) == 100
        read = [one for one in asked if 'FROM "whatsapp_statusevent"' in one["sql"]]
        assert len(read) == queries

    def test_statuses_are_in_the_users_language(self, taker, report):
        report("SENT")
        taker.cookies["django_language"] = "pt-br"
        text = take(taker).getvalue().decode("utf-8-sig")
        assert "Enviada" in text

    def test_failure_reason_is_in_the_users_language(self, taker, deliver):
        deliver(error="Phone number does not exist")
        taker.cookies["django_language"] = "pt-br"
        text = take(taker).getvalue().decode("utf-8-sig")
        assert "Este número não tinha WhatsApp" in text

    def test_failure_is_told_in_the_words_of_the_pages(self, taker, deliver):
        deliver(error="Phone number does not exist")
        (row,) = table(taker)
        assert row["Failure category"] == "Number not on WhatsApp"
        assert row["Whose problem"] == "The recipient"
        assert row["Send again?"] == "Do not send it again"

    @pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
    def test_formula_is_neutralized(self, sign):
        (cell,) = next(csv.reader([csv_line([f"{sign}1+1"])]))
        assert cell == f"'{sign}1+1"

    @pytest.mark.parametrize(
        ("text", "safe"),
        [
            ("a;=1", "a;'=1"),
            ("Pedido;=1+1;", "Pedido;'=1+1;"),
            (" =1", "' =1"),
            ("\n=1", "'\n'=1"),
            ("a, -1", "a,' -1"),
            ('a;"=1', "a;'\"=1"),
            ("a|@x", "a|'@x"),
            ("a-b = c; d", "a-b = c; d"),
        ],
    )
    def test_formula_after_any_delimiter_in_a_text_is_neutralized(self, text, safe):
        (cell,) = next(csv.reader(io.StringIO(csv_line([text]), newline="")))
        assert cell == safe

    @given(
        cells=st.lists(st.text('=-@ ;,|"\t\r\n\u00a0\uff1dab'), min_size=1, max_size=3),
        between=st.sampled_from(",;"),
    )
    def test_every_cell_of_a_line_is_neutralized(self, cells, between):
        text = io.StringIO(csv_line(cells, between), newline="")
        (line,) = csv.reader(text, delimiter=between)
        assert line == list(map(csv_writer.neutral, cells))

    def test_every_cell_is_quoted(self):
        assert csv_line(["Pedido;x", 7]) == '"Pedido;x","7"\r\n'

    def test_portuguese_csv_is_delimited_by_semicolons(self, taker, report):
        report("SENT", id="3EB0A1")
        taker.cookies["django_language"] = "pt-br"
        text = take(taker).getvalue().decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(text), delimiter=";")
        assert "3EB0A1" in row.values()

    def test_failure_reason_that_looks_like_a_formula_is_neutralized(self, taker, deliver):
        deliver(error="=HYPERLINK(1)")
        (row,) = table(taker)
        assert row["Failure"] == "'=HYPERLINK(1)"

    def test_group_row_counts_participants_by_step(self, taker, report):
        report("RECEIVED", phone="120363-group", participant="5561", isGroup=True)
        report("RECEIVED", "READ", phone="120363-group", participant="5562", isGroup=True)
        (row,) = table(taker)
        assert (row["Delivered to participants"], row["Read by participants"]) == ("2", "1")

    def test_later_step_of_a_participant_implies_the_earlier_ones(self, taker, report):
        group = {"phone": "120363-group", "isGroup": True}
        report("READ", participant="5511987654321", **group)
        report("PLAYED", participant="5511987654322", **group)
        (row,) = table(taker)
        counts = [row[f"{step} by participants"] for step in ("Read", "Played")]
        assert (row["Delivered to participants"], *counts) == ("2", "2", "1")

    def test_participant_with_and_without_the_ninth_digit_is_counted_once(self, taker, report):
        group = {"phone": "120363-group", "isGroup": True}
        report("RECEIVED", participant="5544999999999", **group)
        report("READ", participant="554499999999", **group)
        (row,) = table(taker)
        assert (row["Delivered to participants"], row["Read by participants"]) == ("1", "1")

    def test_group_status_is_the_step_that_all_participants_reached(self, taker, report):
        group = {"phone": "120363-group", "isGroup": True}
        report("RECEIVED", participant="5511987654321", **group)
        report("READ", participant="5511987654322", **group)
        assert [row["Status"] for row in table(taker)] == ["Delivered"]

    def test_unknown_status_keeps_its_own_name(self, taker, report):
        report("TELEPORTED")
        assert [row["Status"] for row in table(taker)] == ["TELEPORTED"]

    def test_message_played_by_us_says_so(self, taker, report):
        report("PLAYED_BY_ME")
        assert [row["Status"] for row in table(taker, "?inbound=1")] == ["Played by us"]

    @pytest.mark.parametrize("name", ["A", "ZA"])
    def test_row_contains_label_and_reference(self, taker, deliver, instance, name):
        deliver(id="A")
        Label.objects.create(
            instance=instance,
            zapi_id=name,
            reference="order 7",
            label="Invoice",
            updated_at=datetime.now(UTC),
        )
        (row,) = table(taker)
        assert (row["Reference"], row["Label"]) == ("order 7", "Invoice")

    def test_file_name_contains_no_number(self, taker, report):
        report("SENT")
        name = take(taker, "?q=5544999999999")["Content-Disposition"]
        assert "5544" not in name
        assert name.endswith('.csv"')

    def test_export_query_count_is_fixed(self, taker, report, django_assert_num_queries):
        for name in "ABCDE":
            report("SENT", id=name)
        taker.get("/")
        # Queries: session, user, permissions (2), limits, instances, length, rows, labels,
        # recipients, audit.
        with django_assert_num_queries(11):
            take(taker).getvalue()


def cells_of(answer):
    """The numeric cells of row 2 by cell reference, and the XML of the sheet."""
    book = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    found = re.findall(r'<c r="([A-Z]+2)"(?: s="\d+")?><v>([0-9.]+)</v>', sheet)
    return {place: float(value) for place, value in found}, sheet


class TestWorkbook:
    def test_workbook_times_are_numeric_in_the_users_time_zone(self, taker, report):
        message = report("SENT")
        taker.cookies["statusboard_time_zone"] = "America/Sao_Paulo"
        numbers, sheet = cells_of(take(taker, kind="xlsx"))
        assert "Sent (America/Sao_Paulo)" in sheet
        zone = ZoneInfo("America/Sao_Paulo")
        shown = datetime(1899, 12, 30, tzinfo=zone) + timedelta(days=numbers["P2"], seconds=0.5)
        assert f"{shown:%x %X}" == f"{message.sent_at.astimezone(zone):%x %X}"

    def test_workbook_counts_are_numeric(self, taker, report):
        report("READ", phone="120363-group", participant="5511987654321", isGroup=True)
        numbers, _sheet = cells_of(take(taker, kind="xlsx"))
        assert (numbers["J2"], numbers["K2"], numbers["L2"]) == (1, 1, 0)

    def test_workbook_is_a_valid_xlsx_file(self, taker, report):
        report("SENT", id="3EB0A1")
        book = zipfile.ZipFile(io.BytesIO(take(taker, kind="xlsx").getvalue()))
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "3EB0A1" in sheet
        assert book.testzip() is None

    def test_workbook_contains_no_formula(self, taker, deliver):
        deliver(error="=HYPERLINK(1)")
        book = zipfile.ZipFile(io.BytesIO(take(taker, kind="xlsx").getvalue()))
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "=HYPERLINK(1)" in sheet
        assert "<f>" not in sheet

    def test_too_large_workbook_suggests_csv(self, taker, report, monkeypatch):
        monkeypatch.setattr("messages.dashboard.exports.views.MAX_ROWS", 1)
        report("SENT", id="A")
        report("SENT", id="B")
        answer = take(taker, "?period=all", kind="xlsx")
        assert answer["Location"] == "/?period=all"
        assert "Use CSV" in taker.get(answer["Location"]).content.decode()
        assert not AuditEvent.objects.filter(action=Action.EXPORTED).exists()


class TestSize:
    def ask(self, client, query=""):
        return client.get(f"{URL}size/{query}").content.decode()

    def test_size_url_returns_the_number_of_rows(self, taker, report):
        report("SENT", "READ", id="A")
        report("SENT", id="B")
        assert self.ask(taker) == "2 messages."
        assert self.ask(taker, "?status=read") == "1 message."

    def test_size_url_says_if_the_export_takes_longer(self, taker, report, monkeypatch):
        report("SENT", id="A")
        report("SENT", id="B")
        monkeypatch.setattr("messages.dashboard.exports.views.AT_ONCE", 1)
        assert "ready in a moment" in self.ask(taker)
        monkeypatch.setattr("messages.dashboard.exports.views.MAX_ROWS", 1)
        assert self.ask(taker).startswith("More than 1 messages: use CSV")


class TestWho:
    def test_support_cannot_export(self, viewer, report):
        report("SENT")
        assert take(viewer).status_code == 403

    def test_export_buttons_are_shown_only_with_permission(self, taker, support, report):
        report("SENT")
        assert URL in taker.get("/").content.decode()
        taker.force_login(support)
        assert URL not in taker.get("/").content.decode()

    def test_export_of_a_masked_user_masks_numbers(self, taker, supervisor, report):
        supervisor.groups.clear()
        for name in ("view_message", "export_message"):
            supervisor.user_permissions.add(Permission.objects.get(codename=name))
        report("SENT")
        (row,) = table(taker)
        assert row["Recipient"] == "•••• 99"

    def test_limited_user_exports_only_visible_instances(self, taker, supervisor, report, account):
        report("SENT")
        other = Instance.objects.create(account=account, name="Other", zapi_id="other")
        UserLimit.objects.create(user=supervisor, instance=other)
        assert table(taker) == []

    def test_export_is_audited_without_the_search_text(self, taker, supervisor, report):
        report("SENT")
        table(taker, "?q=5544999999999&status=sent")
        event = AuditEvent.objects.get(action=Action.EXPORTED)
        assert event.actor == supervisor
        assert event.details == {
            "format": "csv",
            "messages": 1,
            "filters": ["q", "status"],
        }
