import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.urls import reverse

from messages.jobs.follow_ups import follow_up
from messages.models import FollowUp, HourlySummary, Instance, TouchedHour, UserLimit
from messages.models.summary import LATENCY_EDGES
from messages.summaries import recompute
from messages.summaries.days import sum_days

URL = "/overview/"


@pytest.fixture
def counted():
    """Let the worker do its part."""

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
    """The numbers of a step's row, as a person reads them."""
    icon = r"(?:<svg[^>]*><use[^>]*></svg>)?"
    found = re.search(
        rf'<tr>\s*<th scope="row">\s*<a[^>]*>\s*{icon}{name}\s*</a>.*?</tr>', text, re.S
    )
    assert found, text
    cells = re.findall(r'<td class="number"[^>]*>(.*?)</td>', found[0], re.S)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells]


class TestFunnel:
    def test_it_counts_what_callbacks_told(self, viewer, report, counted):
        report("SENT", "RECEIVED", "READ", id="A")
        report("SENT", "RECEIVED", id="B")
        report("SENT", id="C")
        counted()
        text = page(viewer)
        assert row(text, "Sent")[0] == "3"
        assert row(text, "Delivered") == ["2", "66.7%", "66.7%", "2"]
        assert row(text, "Read") == ["1+", "33.3%", "50.0%", "1"]

    def test_a_failure_counts_for_no_step(self, viewer, deliver, counted):
        deliver(error="Phone number does not exist")
        counted()
        text = page(viewer)
        assert row(text, "Dispatched")[0] == "0"
        assert '<span class="count">1</span> Failed' in text

    def test_all_means_all_messages_those_that_failed_too(self, viewer, instance):
        summary(instance, messages=100, dispatched=90, sent=90, delivered=80, failed=10)
        text = page(viewer)
        assert row(text, "Messages")[:2] == ["100", "100%"]
        assert row(text, "Dispatched")[:3] == ["90", "90.0%", "90.0%"]
        # The same share as in the list of instances.
        assert row(text, "Delivered")[1] == row(text, "Atendimento")[1] == "80.0%"

    def test_what_is_not_settled_is_a_number_too(self, viewer, instance):
        summary(instance, hours_ago=2, dispatched=1, messages=1)
        summary(instance, hours_ago=60, dispatched=3, messages=3)
        text = page(viewer)
        assert row(text, "Messages")[3] == "1"
        words = re.findall(r'<td class="number">(not yet|yes)</td></tr>', text)
        assert sorted(words) == ["not yet", "yes"]

    def test_who_waits_is_shown_apart(self, viewer, deliver, report, counted):
        deliver("A")
        report("SENT", id="B")
        counted()
        text = page(viewer)
        assert '<span class="count">1</span> Waiting to be sent' in text
        assert '<span class="count">1</span> Waiting for delivery' in text

    def test_the_last_day_is_drawn_as_not_settled(self, viewer, instance):
        summary(instance, hours_ago=2, dispatched=1, messages=1)
        summary(instance, hours_ago=60, dispatched=3, messages=3)
        drawn = re.findall(r'<rect class="(\w+)"[^>]*width="([\d.]+%)"', page(viewer))
        # In the step's own colour as well, under the hatching.
        fresh = [("settled", "25.00%"), ("unsettled", "25.00%")]
        assert drawn[:3] == [("settled", "75.00%"), *fresh]

    def test_never_a_hundred_percent_of_what_is_not_all(self, viewer, instance):
        summary(instance, messages=100_000, dispatched=100_000, sent=99_999)
        assert row(page(viewer), "Sent")[:3] == ["99,999", "99.9%", "99.9%"]

    def test_a_bar_leads_to_the_messages_that_it_counts(self, viewer, report, counted):
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
    def test_what_failed_unsent_is_in_no_bar_and_in_no_list_behind_one(
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

    def test_the_volume_leads_to_the_messages_of_its_hour(self, viewer, report, counted):
        report("SENT", minutes_ago=30)
        counted()
        urls = re.findall(r'<a href="(/\?since=[^"]+)" tabindex="-1"><title>', page(viewer))
        found = viewer.get(urls[0]).content.decode()
        assert (len(urls), found.count('class="row-link"')) == (1, 1)


class TestQuestion:
    def test_a_period_leaves_out_what_was_sent_before(self, viewer, instance):
        summary(instance, hours_ago=30, dispatched=5, messages=5)
        assert row(page(viewer, "?period=7d"), "Dispatched")[0] == "5"
        assert "No messages in this period" in page(viewer, "?period=24h")

    def test_days_are_the_viewers_and_both_ends_belong_to_them(self, viewer, instance):
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

    def test_one_instance_alone(self, viewer, instance, other):
        summary(instance, dispatched=5, messages=5)
        summary(other, dispatched=7, messages=7)
        assert row(page(viewer, f"?instance={other.pk}"), "Dispatched")[0] == "7"

    def test_groups_alone(self, viewer, instance):
        summary(instance, dispatched=5, messages=5)
        HourlySummary.objects.update(is_group=True)
        summary(instance, dispatched=7, messages=7)
        assert row(page(viewer, "?groups=1"), "Dispatched")[0] == "5"
        assert row(page(viewer, "?groups=0"), "Dispatched")[0] == "7"

    @pytest.mark.parametrize(
        "query",
        [
            "?period=tomorrow",
            "?period=custom&first=2026-02-31&last=x",
            "?period=custom&first=0001-01-01&last=9999-12-31",
            "?period=custom&first=2020-01-01&last=2026-01-01",
            "?instance=99999999999999999999",
            "?instance=-1&groups=many",
        ],
    )
    def test_nonsense_is_answered_with_a_page(self, viewer, query):
        assert viewer.get(URL + query).status_code == 200

    @pytest.mark.parametrize(
        ("days", "problem"),
        [
            ("first=2026-03-10&last=2026-03-01", "The start date is after the end date."),
            ("first=2020-01-01&last=2026-01-01", "The limit is one year."),
            ("first=2026-02-31&last=2026-03-01", "Pick both dates."),
        ],
    )
    def test_days_that_cannot_be_shown_are_not_passed_over_in_silence(self, viewer, days, problem):
        text = page(viewer, f"?period=custom&{days}")
        assert problem in text
        assert 'value="2026-0' in text

    def test_days_of_a_year_are_shown_without_a_word(self, viewer):
        assert "days-problem" not in page(viewer, "?period=custom&first=2025-01-01&last=2025-12-31")


class TestVolume:
    def test_its_table_counts_messages_those_that_failed_too(self, viewer, instance):
        summary(instance, messages=3, failed=1)
        text = page(viewer)
        assert '<th scope="col">Messages</th>' in text
        assert "3 messages, 0 delivered, 0 read" in text

    def test_each_day_of_a_week_has_its_name(self, viewer, instance):
        summary(instance, messages=1)
        names = re.findall(r'<text x="[^"]+" y="12" class="[\w ]*">(.*?)</text>', page(viewer))
        assert 6 <= len(set(names)) <= 8

    @pytest.mark.parametrize("period", ["7d", "30d"])
    def test_today_is_named(self, viewer, instance, period):
        summary(instance, messages=1)
        assert "Today</text>" in page(viewer, f"?period={period}")

    def test_hours_still_to_come_are_not_drawn(self, viewer, instance):
        summary(instance, messages=1)
        today = datetime.now(UTC).date()
        days = f"first={today}&last={today + timedelta(days=5)}"
        chart = viewer.get(f"{URL}?period=custom&{days}").context["chart"]
        assert chart.bars[-1].since <= datetime.now(UTC)

    def test_a_year_has_a_few_names(self, viewer, instance):
        summary(instance, messages=1)
        today = datetime.now(UTC).date()
        days = f"first={today - timedelta(days=360)}&last={today}"
        assert 8 <= page(viewer, f"?period=custom&{days}").count('y="12"') <= 10


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

    def test_what_took_no_second_is_not_told_as_none(self, viewer, instance):
        summary(instance, messages=1, delivered_timed=1)
        HourlySummary.objects.update(
            **{f"delivered_within_{edge}": 1 for edge in LATENCY_EDGES},
        )
        assert "less than 1 s" in page(viewer)

    def test_what_took_longest_is_not_given_an_end(self, viewer, instance):
        summary(instance, messages=1, read_timed=1)
        assert "more than 1 day" in page(viewer)


class TestWorst:
    def test_the_instance_that_delivered_least_comes_first(self, viewer, instance, other):
        summary(instance, messages=100, delivered=90, failed=1)
        summary(other, messages=100, delivered=40, failed=50)
        text = page(viewer)
        assert row(text, "Cobrança")[:3] == ["100", "40.0%", "50.0%"]
        assert text.rindex("Cobrança</a></th>") < text.rindex("Atendimento</a></th>")

    def test_a_few_messages_make_nobody_the_worst(self, viewer, instance):
        summary(instance, messages=3)
        assert "delivered least" not in page(viewer)


class TestWhoSeesWhat:
    def test_a_limited_person_sees_the_figures_of_their_instances_only(
        self, viewer, support, instance, other
    ):
        summary(instance, messages=50, dispatched=50)
        summary(other, messages=70, dispatched=70)
        UserLimit.objects.create(user=support, instance=other)
        text = page(viewer)
        assert row(text, "Dispatched")[0] == "70"
        assert "Atendimento" not in text

    def test_another_instance_cannot_be_asked_for(self, viewer, support, instance, other):
        summary(instance, messages=50, dispatched=50)
        UserLimit.objects.create(user=support, instance=other)
        assert "No messages in this period" in page(viewer, f"?instance={instance.pk}")


class TestNothing:
    def test_without_an_instance_it_says_what_messages_says(self, viewer):
        assert "No WhatsApp number is connected yet" in page(viewer)

    def test_messages_that_no_worker_has_counted_are_not_denied(self, viewer, report):
        report("SENT")
        text = page(viewer)
        assert "Numbers are being prepared" in text
        assert reverse("dashboard:workers") not in text

    def test_who_may_is_led_to_the_workers(self, admin_client, report):
        report("SENT")
        assert reverse("dashboard:workers") in page(admin_client)

    def test_all_instances_are_advised_only_where_one_is_chosen(self, viewer, instance):
        assert "or all instances" not in page(viewer)
        assert "or all instances" in page(viewer, f"?instance={instance.pk}")


def test_the_queries_do_not_grow_with_what_is_shown(
    viewer, instance, other, django_assert_num_queries
):
    for hours_ago in range(1, 100):
        summary(instance, hours_ago=hours_ago, messages=30, delivered=10)
        summary(other, hours_ago=hours_ago, messages=30, delivered=5)
    viewer.get(URL)
    # Session, user, permissions (2), limits, instances, hours, sums of instances in whole days, and
    # in the hours before and after them; thresholds and number of what is stuck.
    with django_assert_num_queries(11):
        viewer.get(URL + "?period=30d")


def test_a_month_is_drawn_by_days(viewer, instance):
    for hours_ago in (1, 25, 49, 500):
        summary(instance, hours_ago=hours_ago, messages=1)
    text = page(viewer, "?period=30d")
    assert "Messages per day" in text
    assert text.count('tabindex="-1"><title>') == 4


def test_the_main_menu_leads_there(viewer):
    assert f'href="{reverse("dashboard:overview")}"' in page(viewer)
