import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qsl

import pytest
from django.urls import reverse
from django.utils import timezone

from messages.instances.tags import set_tags
from messages.jobs.follow_ups import follow_up
from messages.models import FollowUp, HourlySummary, Instance, TouchedHour, UserLimit
from messages.models.summary import LATENCY_EDGES
from messages.summaries import recompute
from messages.summaries.days import sum_days
from tests.plugins.pages import shown

URL = "/overview/"


@pytest.fixture
def counted():
    """Run the worker until all follow-ups and summaries are done."""

    def settle():
        while FollowUp.objects.exists():
            follow_up()
        while TouchedHour.objects.exists():
            recompute()

    return settle


@pytest.fixture
def other(account):
    return Instance.objects.create(account=account, name="Cobrança", zapi_id="other")


def page(client, query=""):
    sum_days(HourlySummary.objects.values_list("instance", "hour"))
    return unescape(client.get(URL + query).content.decode())


def summary(instance, *, hours_ago=1, **counts):
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hour -= timedelta(hours=hours_ago)
    return HourlySummary.objects.create(
        instance=instance, hour=hour, is_group=False, computed_at=hour, **counts
    )


def row(text, name):
    """The texts of the number cells in a step's row."""
    icon = r"(?:<svg[^>]*><use[^>]*></svg>)?"
    found = re.search(
        rf'<tr>\s*<th scope="row">\s*<a[^>]*>\s*{icon}{name}\s*</a>.*?</tr>', text, re.S
    )
    assert found, text
    cells = re.findall(r'<td class="number"[^>]*>(.*?)</td>', found[0], re.S)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells]


class TestFunnel:
    def test_funnel_counts_reported_steps(self, viewer, report, counted):
        report("SENT", "RECEIVED", "READ", id="A")
        report("SENT", "RECEIVED", id="B")
        report("SENT", id="C")
        counted()
        text = page(viewer)
        assert row(text, "Sent")[0] == "3"
        assert row(text, "Delivered") == ["2", "66.7%", "66.7%", "2"]
        assert row(text, "Read") == ["1+", "33.3%", "50.0%", "1"]

    def test_failed_message_counts_for_no_step(self, viewer, deliver, counted):
        deliver(error="Phone number does not exist")
        counted()
        text = page(viewer)
        assert row(text, "Dispatched")[0] == "0"
        assert '<span class="count">1</span> Failed' in text

    def test_total_includes_failed_messages(self, viewer, instance):
        summary(instance, messages=100, dispatched=90, sent=90, delivered=80, failed=10)
        text = page(viewer)
        assert row(text, "Messages")[:2] == ["100", "100%"]
        assert row(text, "Dispatched")[:3] == ["90", "90.0%", "90.0%"]
        assert row(text, "Delivered")[1] == "80.0%"

    def test_table_shows_the_number_of_unsettled_messages(self, viewer, instance):
        summary(instance, hours_ago=2, dispatched=1, messages=1)
        summary(instance, hours_ago=60, dispatched=3, messages=3)
        text = page(viewer)
        assert row(text, "Messages")[3] == "1"
        words = re.findall(r'<td class="number">(not yet|yes)</td></tr>', text)
        assert sorted(words) == ["not yet", "yes"]

    def test_waiting_messages_are_counted_separately(self, viewer, deliver, report, counted):
        deliver("A")
        report("SENT", id="B")
        counted()
        text = page(viewer)
        assert '<span class="count">1</span> Waiting to be sent' in text
        assert '<span class="count">1</span> Waiting for delivery' in text

    def test_last_day_is_drawn_as_unsettled(self, viewer, instance):
        summary(instance, hours_ago=2, dispatched=1, messages=1)
        summary(instance, hours_ago=60, dispatched=3, messages=3)
        drawn = re.findall(r'<rect class="(\w+)"[^>]*width="([\d.]+%)"', page(viewer))
        # The hatching is drawn over a bar in the step's colour.
        fresh = [("settled", "25.00%"), ("unsettled", "25.00%")]
        assert drawn[:3] == [("settled", "75.00%"), *fresh]

    def test_incomplete_share_is_never_shown_as_100_percent(self, viewer, instance):
        summary(instance, messages=100_000, dispatched=100_000, sent=99_999)
        assert row(page(viewer), "Sent")[:3] == ["99,999", "99.9%", "99.9%"]

    def test_funnel_bar_links_to_the_messages_it_counts(self, viewer, report, counted):
        report("SENT", "RECEIVED", id="3EB0DELIVERED")
        report("SENT", id="3EB0WAITING")
        counted()
        urls = re.findall(
            r'<th scope="row">\s*<a class="step-name" href="(/\?reached=received[^"]*)"',
            page(viewer),
        )
        found = viewer.get(urls[0]).content.decode()
        assert found.count('class="row-link"') == 1

    @pytest.mark.parametrize("step", ["dispatched", "sent"])
    def test_message_that_failed_unsent_is_in_no_bar_or_linked_list(
        self, viewer, deliver, report, counted, step
    ):
        deliver("3EB0FAILED", error="Phone number does not exist")
        report("SENT", id="3EB0SENT")
        report("SENT", id="3EB0LATER", minutes_ago=5)
        deliver("3EB0LATER", error="Phone number does not exist")
        counted()
        text = page(viewer)
        (url,) = re.findall(rf'class="step-name" href="(/\?reached={step}[^"]*)"', text)
        found = viewer.get(url).content.decode()
        assert row(text, step.title())[0] == str(found.count('class="row-link"')) == "2"

    def test_volume_bar_links_to_the_messages_of_its_hour(self, viewer, report, counted):
        report("SENT", minutes_ago=30)
        counted()
        urls = re.findall(r'<a href="(/\?since=[^"]+)" tabindex="-1"><title>', page(viewer))
        found = viewer.get(urls[0]).content.decode()
        assert (len(urls), found.count('class="row-link"')) == (1, 1)


class TestQuestion:
    def test_period_excludes_older_messages(self, viewer, instance):
        summary(instance, hours_ago=30, dispatched=5, messages=5)
        assert row(page(viewer, "?period=7d"), "Dispatched")[0] == "5"
        assert "No messages in this period" in page(viewer, "?period=24h")

    def test_custom_days_are_inclusive_and_in_the_users_time_zone(self, viewer, instance):
        viewer.cookies["statusboard_time_zone"] = "America/Sao_Paulo"
        for hour, count in ((2, 1), (3, 10), (26, 100), (27, 1000)):
            HourlySummary.objects.create(
                instance=instance,
                hour=datetime(2026, 3, 10, tzinfo=UTC) + timedelta(hours=hour),
                is_group=False,
                messages=count,
                dispatched=count,
                computed_at=datetime.now(UTC),
            )
        text = page(viewer, "?period=custom&first=2026-03-10&last=2026-03-10")
        assert row(text, "Dispatched")[0] == "110"

    def test_overview_can_be_filtered_by_instance(self, viewer, instance, other):
        summary(instance, dispatched=5, messages=5)
        summary(other, dispatched=7, messages=7)
        assert row(page(viewer, f"?instance={other.pk}"), "Dispatched")[0] == "7"

    def test_overview_can_be_filtered_by_groups(self, viewer, instance):
        summary(instance, dispatched=5, messages=5)
        HourlySummary.objects.update(is_group=True)
        summary(instance, dispatched=7, messages=7)
        assert row(page(viewer, "?groups=1"), "Dispatched")[0] == "5"
        assert row(page(viewer, "?groups=0"), "Dispatched")[0] == "7"

    def test_overview_can_be_filtered_by_tag(self, viewer, instance, other):
        set_tags(other, ["Padaria"])
        summary(instance, dispatched=5, messages=5)
        summary(other, dispatched=7, messages=7)
        text = page(viewer, "?tag=padaria")
        assert row(text, "Dispatched")[0] == "7"
        assert "tag=padaria" in text

    def test_tag_shows_a_limited_user_only_own_instances(self, viewer, support, instance, other):
        for one in (instance, other):
            set_tags(one, ["Padaria"])
            summary(one, dispatched=5, messages=5)
        UserLimit.objects.create(user=support, instance=other)
        assert row(page(viewer, "?tag=Padaria"), "Dispatched")[0] == "5"

    @pytest.mark.parametrize(("period", "count"), [("today", "110"), ("yesterday", "1")])
    def test_named_days_begin_at_midnight_of_the_user(
        self, viewer, instance, period, count, monkeypatch
    ):
        viewer.cookies["statusboard_time_zone"] = "America/Sao_Paulo"
        now = datetime(2026, 3, 10, 5, 30, tzinfo=UTC)
        monkeypatch.setattr(timezone, "now", lambda: now)
        for hour, messages in ((2, 1), (3, 10), (5, 100)):
            HourlySummary.objects.create(
                instance=instance,
                hour=now.replace(hour=hour, minute=0),
                is_group=False,
                messages=messages,
                dispatched=messages,
                computed_at=now,
            )
        assert row(page(viewer, f"?period={period}"), "Dispatched")[0] == count

    def test_zoom_shows_the_full_hours_of_these_times(self, viewer, instance):
        for hour in (9, 10, 11, 12):
            HourlySummary.objects.create(
                instance=instance,
                hour=datetime(2026, 3, 10, hour, tzinfo=UTC),
                is_group=False,
                messages=1,
                dispatched=1,
                computed_at=datetime.now(UTC),
            )
        text = page(viewer, "?since=2026-03-10T10:15Z&until=2026-03-10T11:15Z")
        assert row(text, "Dispatched")[0] == "2"

    @pytest.mark.parametrize(
        "query",
        [
            "?period=tomorrow",
            "?since=2026-03-10T10:15Z&until=2026-03-10T10:15Z",
            "?since=2090-03-10T10:15Z&until=2090-03-11T10:15Z",
            "?tag=%00&compare=%00",
            "?compare=99999999999999999999",
            "?period=custom&first=2026-02-31&last=x",
            "?period=custom&first=0001-01-01&last=9999-12-31",
            "?period=custom&first=2020-01-01&last=2026-01-01",
            "?instance=99999999999999999999",
            "?instance=-1&groups=many",
        ],
    )
    def test_invalid_query_is_no_error(self, viewer, query):
        assert viewer.get(URL + query).status_code == 200

    @pytest.mark.parametrize(
        ("days", "problem"),
        [
            ("first=2026-03-10&last=2026-03-01", "The start date is after the end date."),
            ("first=2020-01-01&last=2026-01-01", "The limit is one year."),
            ("first=2026-02-31&last=2026-03-01", "Pick both dates."),
        ],
    )
    def test_invalid_days_show_the_reason(self, viewer, instance, days, problem):
        text = page(viewer, f"?period=custom&{days}")
        assert problem in text
        assert 'value="2026-0' in text

    def test_days_of_a_whole_year_show_no_problem(self, viewer):
        assert "days-problem" not in page(viewer, "?period=custom&first=2025-01-01&last=2025-12-31")


def test_every_filter_stays_in_the_address(viewer, instance, other):
    summary(instance, messages=10)
    parameters = {"period": "30d", "tag": "South", "groups": "0", "compare": "previous"}
    parameters |= {"heat": "read", "sort": "failed", "full": "reasons"}
    url = viewer.get(URL, parameters).context["unzoomed"].url()
    assert dict(parse_qsl(url.partition("?")[2])) == parameters


@pytest.mark.parametrize(("query", "chip"), [("", "Without channels"), ("?groups=0", "Individual")])
def test_linked_list_has_a_chip_for_the_counted_kinds(viewer, instance, query, chip):
    summary(instance, messages=10)
    (everything, *_others) = viewer.get(URL + query).context["steps"]
    (found,) = viewer.get(everything.url).context["chips"]
    assert found.label == chip


def test_zoomed_chart_links_back_to_the_period(viewer, instance):
    summary(instance, messages=10)
    since = datetime.now(UTC) - timedelta(hours=3)
    zoom = f"since={since:%Y-%m-%dT%H:%MZ}&until={datetime.now(UTC):%Y-%m-%dT%H:%MZ}"
    text = page(viewer, f"?period=30d&{zoom}")
    assert '<a class="no-print" href="/overview/?period=30d">Back to: Last 30 days</a>' in text


class TestVolume:
    def test_volume_table_includes_failed_messages(self, viewer, instance):
        summary(instance, messages=3, failed=1)
        text = page(viewer)
        assert ">Messages</th>" in text
        assert "3 messages, 0 delivered, 0 read" in text

    def test_week_chart_labels_every_day(self, viewer, instance):
        summary(instance, messages=1)
        names = re.findall(r'<text x="[^"]+" y="14" class="[\w ]*">(.*?)</text>', page(viewer))
        assert 6 <= len(set(names)) <= 8

    @pytest.mark.parametrize("period", ["7d", "30d"])
    def test_chart_labels_today(self, viewer, instance, period):
        summary(instance, messages=1)
        assert "Today</text>" in page(viewer, f"?period={period}")

    def test_chart_ends_with_the_current_hour(self, viewer, instance):
        summary(instance, messages=1)
        today = datetime.now(UTC).date()
        days = f"first={today}&last={today + timedelta(days=5)}"
        chart = viewer.get(f"{URL}?period=custom&{days}").context["chart"]
        assert chart.bars[-1].since <= datetime.now(UTC)

    def test_year_chart_has_about_one_label_per_month(self, viewer, instance):
        summary(instance, messages=1)
        today = datetime.now(UTC).date()
        days = f"first={today - timedelta(days=360)}&last={today}"
        assert 8 <= page(viewer, f"?period=custom&{days}").count('y="14"') <= 10

    @pytest.mark.parametrize(
        ("hours", "title", "bars"),
        [
            (24, "Messages per hour", 24),
            (72, "Messages per hour", 72),
            (240, "Messages per 3 hours", 80),
            (2400, "Messages per day", 100),
            (8400, "Messages per week", 50),
        ],
    )
    def test_longer_periods_have_longer_bars(self, viewer, instance, hours, title, bars):
        HourlySummary.objects.create(
            instance=instance,
            hour=datetime(2025, 12, 1, tzinfo=UTC),
            is_group=False,
            messages=1,
            computed_at=datetime.now(UTC),
        )
        until = datetime(2025, 12, 1, tzinfo=UTC) + timedelta(hours=hours)
        viewer.cookies["statusboard_time_zone"] = "UTC"
        answer = viewer.get(f"{URL}?since=2025-12-01T00:00Z&until={until:%Y-%m-%dT%H:%MZ}")
        assert title in answer.content.decode()
        assert len(answer.context["chart"].bars) in (bars, bars + 1)

    def test_grid_lines_are_at_round_numbers(self, viewer, instance):
        summary(instance, messages=1234)
        assert viewer.get(URL).context["chart"].scale_labels == ["1,500", "1,000", "500", "0"]

    def test_failed_messages_are_drawn_in_the_colour_of_failures(self, viewer, instance):
        summary(instance, messages=3, failed=1, delivered=1)
        text = page(viewer)
        for tone in ("failed", "delivered", "waiting"):
            assert re.search(rf'<path class="{tone}" d="M', text)

    def test_data_that_may_change_is_drawn_separately(self, viewer, instance):
        summary(instance, hours_ago=2, messages=1)
        summary(instance, hours_ago=60, messages=1)
        text = page(viewer)
        for group in ("settled", "fresh"):
            assert re.search(rf'<g class="{group}"><path class="waiting"', text)


class TestComparison:
    def test_legend_names_the_dashed_line(self, viewer, instance, other):
        summary(instance, messages=10)
        summary(other, messages=10)
        assert "Dashed line: Previous period (" in page(viewer, "?compare=previous")
        text = page(viewer, f"?instance={instance.pk}&compare={other.pk}")
        assert "Dashed line: Cobrança<" in text
        assert "Compare: Atendimento with Cobrança" in text

    def test_menu_separates_the_previous_period_from_instances(self, viewer, instance, other):
        text = page(viewer)
        titles = re.findall(r'<h3 class="menu-title"[^>]*>([^<]+)', text)
        assert titles == ["With the previous period", "Two instances"]

    def test_form_offers_both_instances_and_keeps_the_other_filters(self, viewer, instance, other):
        query = f"?period=30d&groups=0&instance={other.pk}&compare={instance.pk}"
        text = page(viewer, query)
        (form,) = re.findall(r'<form class="sides".*?</form>', text, re.S)
        assert re.findall(r"selected>([^<]+)", form) == ["Cobrança", "Atendimento"]
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form))
        assert hidden == {"period": "30d", "groups": "0"}

    def test_single_instance_has_no_form_to_compare_instances(self, viewer, instance):
        assert "Two instances" not in page(viewer)

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ("?compare={0}", "choose two instances"),
            ("?tag=South&compare={0}", "choose two instances"),
            ("?instance={0}&compare={0}", "both instances are the same"),
        ],
    )
    def test_comparison_without_two_instances_is_dropped_and_says_why(
        self, viewer, instance, other, query, problem
    ):
        summary(instance, messages=10)
        text = page(viewer, query.format(instance.pk))
        assert problem in text
        assert "Dashed line" not in text

    def test_links_to_all_instances_and_tags_drop_the_comparison(self, viewer, instance, other):
        set_tags(other, ["South"])
        context = viewer.get(f"{URL}?instance={instance.pk}&compare={other.pk}").context
        (everyone, *_), (_all, tag) = context["instance_links"], context["tag_links"]
        assert "compare" not in everyone.url + tag.url

    def test_previous_period_is_drawn_and_listed(self, viewer, instance):
        summary(instance, hours_ago=1, messages=10)
        summary(instance, hours_ago=1 + 24, messages=7)
        text = page(viewer, "?period=24h&compare=previous")
        assert 'class="compared" d="M' in text
        assert '<td class="number">7</td>' in text

    def test_other_instance_is_compared_in_the_same_period(self, viewer, instance, other):
        summary(instance, messages=10, delivered=9)
        summary(other, messages=40, delivered=20)
        text = page(viewer, f"?instance={instance.pk}&compare={other.pk}")
        assert "Cobrança: 50.0%" in text
        assert '<td class="number">40</td>' in text

    def test_reads_are_not_compared_with_an_instance_without_read_receipts(
        self, viewer, instance, other
    ):
        summary(instance, messages=10, delivered=9, read=5)
        summary(other, messages=40, delivered=20, failed=4)
        Instance.objects.filter(pk=other.pk).update(
            receipts_off_since=timezone.now() - timedelta(days=9)
        )
        text = page(viewer, f"?instance={instance.pk}&compare={other.pk}")
        assert "Cobrança: read receipts are off" in text
        assert "Cobrança: 0%" not in text

    def test_instance_of_others_cannot_be_compared(self, viewer, support, instance, other):
        summary(instance, messages=10, delivered=9)
        summary(other, messages=4, delivered=2)
        UserLimit.objects.create(user=support, instance=instance)
        text = page(viewer, f"?instance={instance.pk}&compare={other.pk}")
        assert "Cobrança" not in text
        assert 'class="compared" d="M' not in text


class TestFigures:
    def figures(self, client, query=""):
        sum_days(HourlySummary.objects.values_list("instance", "hour"))
        return {one.tone: one for one in client.get(URL + query).context["figures"]}

    @pytest.mark.parametrize("groups", ["", "&groups=0", "&groups=1"])
    def test_figure_links_to_exactly_the_messages_it_counts(
        self, viewer, deliver, report, counted, groups
    ):
        report("SENT", "RECEIVED", "READ", id="3EB0READ")
        report("SENT", "RECEIVED", id="3EB0DELIVERED")
        report("SENT", "RECEIVED", id="3EB0GROUP", phone="120363019502650977-group", isGroup=True)
        report("SENT", id="3EB0SENT")
        deliver("3EB0FAILED", error="Phone number does not exist")
        report("READ_BY_ME", id="3EB0INBOUND")
        report("SENT", "RECEIVED", id="3EB0CHANNEL", phone="120363166555745933@newsletter")
        counted()
        answer = viewer.get(f"{URL}?period=24h{groups}")
        counts = answer.context["cohort"].counts._asdict()
        for figure in answer.context["figures"][:3]:
            assert len(shown(viewer.get(figure.url))) == counts[figure.tone]

    def test_sparkline_leaves_out_what_may_still_change(self, viewer, instance):
        for hours_ago in (30, 54, 78):
            summary(instance, hours_ago=hours_ago, messages=10, delivered=9)
        settled = self.figures(viewer)["delivered"].spark
        assert settled
        summary(instance, hours_ago=1, messages=10, delivered=1)
        assert self.figures(viewer)["delivered"].spark == settled

    def test_bars_of_an_instance_that_may_still_change_are_faded(self, viewer, instance, other):
        summary(other, hours_ago=1, messages=5)
        summary(instance, hours_ago=1, messages=10, delivered=1)
        self.figures(viewer)
        cards = viewer.get(URL).context["cards"].shown
        drawing = next(one.drawing for one in cards if one.instance == instance)
        assert '<g class="settled"><path class="sent" d=""/>' in drawing
        assert re.search('<g class="fresh"><path class="sent" d="M', drawing)

    def test_small_change_is_not_cut_to_zero(self, viewer, instance):
        summary(instance, hours_ago=1, messages=1000, delivered=869)
        summary(instance, hours_ago=25, messages=1000, delivered=870)
        change = self.figures(viewer, "?period=24h")["delivered"].change
        assert change.difference == "0.1 points"

    def test_figures_without_messages_before_say_so(self, viewer, instance):
        summary(instance, hours_ago=1, messages=100, delivered=90)
        page = viewer.get(f"{URL}?period=24h").content.decode()
        assert "no messages in the 24 hours before" in page

    def test_change_is_the_difference_from_the_previous_period(self, viewer, instance):
        summary(instance, hours_ago=1, messages=100, delivered=90, failed=10)
        summary(instance, hours_ago=25, messages=100, delivered=80, failed=5)
        found = self.figures(viewer, "?period=24h")
        change = found["delivered"].change
        assert (change.difference, change.arrow, change.baseline) == ("10.0 points", "▲", "80.0%")
        assert change.is_better
        assert not found["failed"].change.is_better

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("?period=7d", "was 80.0% in the 7 days before"),
            ("?period=24h", "was 80.0% in the 24 hours before"),
            ("?period=yesterday", "was 80.0% on the day before"),
            ("?period=today", "was 80.0% in the same hours of the day before"),
            (
                "?period=custom&first=2026-03-08&last=2026-03-20",
                "was 80.0% in the 3 days before, up to the same hour",
            ),
            (
                "?since=2026-03-09T10:00Z&until=2026-03-09T12:00Z",
                "was 80.0% in the same hours of the day before",
            ),
        ],
    )
    def test_change_says_what_it_is_compared_with(
        self, viewer, instance, query, words, monkeypatch
    ):
        viewer.cookies["statusboard_time_zone"] = "UTC"
        monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 3, 10, 12, 30, tzinfo=UTC))
        for days_ago in range(15):
            for hour in (10, 11):
                HourlySummary.objects.create(
                    instance=instance,
                    hour=datetime(2026, 3, 10, hour, tzinfo=UTC) - timedelta(days=days_ago),
                    is_group=False,
                    messages=100,
                    delivered=80,
                    computed_at=datetime.now(UTC),
                )
        assert words in page(viewer, query)

    def test_no_change_is_shown_if_nothing_was_sent_before(self, viewer, instance):
        summary(instance, messages=100, delivered=90)
        assert self.figures(viewer)["delivered"].change is None

    def test_no_change_is_shown_from_a_handful_of_messages(self, viewer, instance):
        summary(instance, hours_ago=1, messages=100, delivered=90)
        summary(instance, hours_ago=25, messages=9, delivered=3)
        assert self.figures(viewer, "?period=24h")["delivered"].change is None

    def test_equal_figures_have_no_difference(self, viewer, instance):
        for hours_ago in (1, 25):
            summary(instance, hours_ago=hours_ago, messages=100, delivered=90)
        assert "No difference" in page(viewer, "?period=24h")

    def test_typical_time_is_the_one_of_the_distribution(self, viewer, instance):
        times = {f"delivered_within_{edge}": 100 for edge in LATENCY_EDGES if edge >= 4}
        times |= {"delivered_within_1": 0, "delivered_within_2": 20}
        summary(instance, messages=100, delivered_timed=100, **times)
        assert self.figures(viewer)["sent"].value == "2 s"
        assert "about 2 s" in page(viewer)

    def test_typical_time_falls_when_better(self, viewer, instance):
        fast = {f"delivered_within_{edge}": 100 for edge in LATENCY_EDGES}
        slow = fast | {f"delivered_within_{edge}": 0 for edge in LATENCY_EDGES if edge < 30}
        summary(instance, hours_ago=1, messages=100, delivered_timed=100, **fast)
        summary(instance, hours_ago=25, messages=100, delivered_timed=100, **slow)
        figure = self.figures(viewer, "?period=24h")["sent"]
        assert figure.value == "< 1 s"
        assert (figure.change.arrow, figure.change.is_better) == ("▼", True)


class TestLatencies:
    def test_median_and_p95_come_from_the_counts(self, viewer, instance):
        summary(instance, messages=100, delivered_timed=100, delivered_within_4=0)
        HourlySummary.objects.update(
            **{f"delivered_within_{edge}": 60 for edge in (4, 8, 15, 30)},
            **{f"delivered_within_{edge}": 100 for edge in (60, 120, 240, 480, 900, 1800)},
            **{f"delivered_within_{edge}": 100 for edge in (3600, 7200, 14400, 28800, 86400)},
        )
        text = page(viewer)
        assert "about 3 s" in text
        assert "about 56 s" in text

    def test_latency_below_one_second_is_shown_as_less_than_1_s(self, viewer, instance):
        summary(instance, messages=1, delivered_timed=1)
        HourlySummary.objects.update(
            **{f"delivered_within_{edge}": 1 for edge in LATENCY_EDGES},
        )
        assert "less than 1 s" in page(viewer)

    def test_latency_above_the_last_edge_is_shown_as_more_than_1_day(self, viewer, instance):
        summary(instance, messages=1, read_timed=1)
        assert "more than 1 day" in page(viewer)


class TestWhoSeesWhat:
    def test_limited_user_sees_only_figures_of_own_instances(
        self, viewer, support, instance, other
    ):
        summary(instance, messages=50, dispatched=50)
        summary(other, messages=70, dispatched=70)
        UserLimit.objects.create(user=support, instance=other)
        text = page(viewer)
        assert row(text, "Dispatched")[0] == "70"
        assert "Atendimento" not in text

    def test_limited_user_cannot_select_another_instance(self, viewer, support, instance, other):
        summary(instance, messages=50, dispatched=50)
        UserLimit.objects.create(user=support, instance=other)
        assert "No messages in this period" in page(viewer, f"?instance={instance.pk}")


class TestNothing:
    def test_overview_without_instances_says_so(self, viewer):
        assert "No WhatsApp number is connected yet" in page(viewer)

    @pytest.mark.parametrize("url", ["/", URL])
    def test_admin_without_instances_sees_the_next_steps(self, admin_client, url):
        text = admin_client.get(url).content.decode()
        assert "find the id and the token of your instance" in text
        assert reverse("dashboard:instance-add") in text
        assert reverse("dashboard:instance-import") in text

    def test_uncounted_messages_show_that_numbers_are_being_prepared(self, viewer, report):
        report("SENT")
        text = page(viewer)
        assert "Numbers are being prepared" in text
        assert reverse("dashboard:workers") not in text

    def test_uncounted_messages_link_admins_to_the_workers(self, admin_client, report):
        report("SENT")
        assert reverse("dashboard:workers") in page(admin_client)

    def test_empty_overview_suggests_all_instances_only_if_one_is_selected(self, viewer, instance):
        assert "or all instances" not in page(viewer)
        assert "or all instances" in page(viewer, f"?instance={instance.pk}")


def test_failure_reasons_are_ranked_and_link_to_exactly_these_messages(
    viewer, deliver, report, counted
):
    for name in ("A", "B", "LATE"):
        deliver(name, error="Phone number does not exist")
    deliver("C", error="Timeout on send message")
    deliver("D", error="Something new")
    report("RECEIVED", id="LATE")
    counted()
    rows = viewer.get(URL).context["reasons"].rows
    assert [(one.code, one.count, one.share) for one in rows] == [
        ("phone_number_does_not_exist", "2", "50.0%"),
        ("send_timeout", "1", "25.0%"),
        ("unknown", "1", "25.0%"),
    ]
    listed = [set(shown(viewer.get(one.url))) for one in rows]
    assert listed == [{"A", "B"}, {"C"}, {"D"}]
    assert rows[0].label in page(viewer)


def test_failure_reasons_with_the_same_meaning_are_one_line_with_the_texts_of_zapi(
    viewer, deliver, counted
):
    deliver("A", error="Whatsapp rejected sending this message")
    deliver("B", error="Message could not be sent (SHADOW_BAN)")
    deliver("C", error="The message was not sent due to a likely shadow ban (SHADOW_BAN)")
    deliver("D", error="Phone number does not exist")
    counted()
    alike, single = viewer.get(URL).context["reasons"].rows
    assert (alike.count, alike.share, set(shown(viewer.get(alike.url)))) == (
        "3",
        "75.0%",
        set("ABC"),
    )
    found = [(one.text, one.count, set(shown(viewer.get(one.url)))) for one in alike.texts]
    assert found == [
        ("SHADOW_BAN", "2", {"B", "C"}),
        ("Whatsapp rejected sending this message", "1", {"A"}),
    ]
    assert single.texts == []
    text = page(viewer)
    assert text.count(alike.label) == 1
    assert "“SHADOW_BAN”" in text


def test_overview_query_count_is_fixed(viewer, instance, other, django_assert_num_queries):
    for hours_ago in range(1, 100):
        summary(instance, hours_ago=hours_ago, messages=30, delivered=10)
        summary(other, hours_ago=hours_ago, messages=30, delivered=5)
    page(viewer)
    # Queries: session, user, permissions (2), limits, instances, hours, daily sums, hourly sums of
    # the edges, delivery times by day, the two sums of the previous period, thresholds, stuck
    # messages, reasons of failures, courses of the instances by day and by hour, tags.
    with django_assert_num_queries(18):
        viewer.get(URL + "?period=30d")
    # A comparison also reads the hours of the other period.
    with django_assert_num_queries(19):
        viewer.get(URL + "?period=30d&compare=previous")


def test_month_chart_has_a_bar_per_day(viewer, instance):
    for hours_ago in (1, 25, 49, 500):
        summary(instance, hours_ago=hours_ago, messages=1)
    text = page(viewer, "?period=30d")
    assert "Messages per day" in text
    assert text.count('tabindex="-1"><title>') == 4


def test_main_menu_links_to_the_overview(viewer):
    assert f'href="{reverse("dashboard:overview")}"' in page(viewer)
