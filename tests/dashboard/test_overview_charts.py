"""The lower half of the Overview. Each number links to a list with exactly these messages."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.utils import timezone

from messages.domain.failures import FAILURES
from messages.domain.statuses import Status
from messages.models import HourlySummary, Instance, Message, Tag, TouchedHour
from messages.summaries import mark_since, recompute
from messages.summaries.days import sum_days
from messages.summaries.failures import sum_failures
from tests.plugins.pages import shown

URL = "/overview/"
NOW = timezone.now().replace(microsecond=0)
# The kinds of address that messages go to; channels and our own status are not counted.
PHONES = ("5544999999999", "5544988887777", "120363025-group", "120363@newsletter")


@pytest.fixture
def other(account):
    found = Instance.objects.create(account=account, name="Cobrança", zapi_id="other")
    found.tags.add(Tag.objects.create(name="South"))
    return found


@pytest.fixture
def history(instance, other):
    """Messages of every kind, step and speed, over 40 days, counted."""
    codes = ("shadow_ban", "unknown", "not_given", "likely_shadow_ban")
    for n in range(160):
        start = NOW - timedelta(hours=5.9 * n + 0.3)
        status = (Status.READ, Status.RECEIVED, Status.SENT, Status.FAILED, Status.READ)[n % 5]
        delivered = start + timedelta(seconds=n * n % 7000 - 1) if n % 7 else None
        phone = PHONES[n % 4]
        Message.objects.create(
            instance=other if n % 3 else instance,
            zapi_id=f"M{n}",
            rank=status.rank,
            phone=phone,
            is_group=phone.startswith("120"),
            inbound=n % 11 == 0 and status is not Status.FAILED,
            first_heard_at=start,
            started_at=start,
            dispatched_at=start,
            sent_at=start if n % 2 else None,
            failure_code=codes[n % 3 + n // 80] if status is Status.FAILED else "",
            delivered_at=delivered,
            read_at=delivered and delivered + timedelta(seconds=n * 13 % 5000),
        )
    mark_since(datetime(2026, 1, 1, tzinfo=UTC))
    while TouchedHour.objects.exists():
        recompute()


@pytest.fixture
def opened(viewer):
    """The page's context and text."""

    def open_page(query=""):
        sum_days(HourlySummary.objects.values_list("instance", "hour"))
        found = viewer.get(URL + query)
        return found.context, unescape(found.content.decode())

    return open_page


@pytest.fixture
def listed(viewer):
    """The number of messages in the list behind a link."""

    def count(url):
        number, url = 0, unescape(url)
        while url:
            found = viewer.get(url)
            number += len(shown(found))
            url = found.context["older_url"]
        return number

    return count


EVERY_SCOPE = pytest.mark.parametrize("scope", ["", "&groups=1", "&tag=South"])


def digits(text):
    return int(text.replace(",", ""))


@pytest.mark.usefixtures("history")
class TestMatchesTheList:
    @EVERY_SCOPE
    def test_reasons_link_to_the_messages_that_they_count(self, opened, listed, scope):
        context, _text = opened(f"?period=30d{scope}")
        found = context["reasons"]
        assert found.rows
        texts = [text for row in found.rows for text in row.texts]
        assert all(digits(one.count) == listed(one.url) for one in [*found.rows, *texts])
        assert digits(found.total) == sum(digits(row.count) for row in found.rows)
        assert digits(found.total) == listed(found.total_url)

    @EVERY_SCOPE
    def test_bars_of_times_link_to_the_messages_that_they_count(self, opened, listed, scope):
        context, _text = opened(f"?period=30d{scope}")
        for one in context["distributions"]:
            counted = [bar for bar in one.bars if bar.count]
            assert len(counted) > 2
            assert [bar.count for bar in counted] == [listed(bar.url) for bar in counted]

    @pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Asia/Kolkata"])
    def test_cells_link_to_the_messages_that_they_count(self, viewer, opened, listed, zone):
        viewer.cookies["statusboard_time_zone"] = zone
        context, text = opened("?period=30d&tag=South")
        links = re.findall(r'<a href="(/\?[^"]*weekday=[^"]*)"><span>[^<]*: (\d+) mess', text)
        assert len(links) > 20
        assert sum(int(number) for _url, number in links) == context["cohort"].counts.messages
        for url, number in links[::5]:
            assert listed(url) == int(number)

    def test_instances_link_to_the_messages_that_they_count(self, opened, listed, other):
        context, _text = opened("?period=30d&groups=0")
        for card in context["cards"].shown:
            assert digits(card.messages) == listed(card.messages_url)
            assert card.slice.counts.delivered == listed(card.delivered_url)
            assert digits(card.failed) == listed(card.failed_url)
            assert sum(point.messages for point in card.points) == digits(card.messages)
            assert sum(point.failed for point in card.points) == digits(card.failed)


@pytest.fixture
def summary():
    def create(instance, *, hours_ago=1, **counts):
        hour = NOW.replace(minute=0, second=0) - timedelta(hours=hours_ago)
        HourlySummary.objects.create(
            instance=instance, hour=hour, is_group=False, computed_at=NOW, **counts
        )

    return create


def slow(edge, count):
    """The columns of `count` messages that were delivered within `edge` seconds."""
    edges = (1, 2, 4, 8, 15, 30, 60, 120, 240, 480, 900, 1800, 3600, 7200, 14400, 28800, 86400)
    columns = {f"delivered_within_{one}": count for one in edges if one >= edge}
    return columns | {"messages": count, "delivered": count, "delivered_timed": count}


class TestHeatMap:
    def test_darkest_cell_is_the_busiest_hour_of_the_week(self, opened, instance, summary):
        summary(instance, hours_ago=2, messages=70)
        summary(instance, hours_ago=2 + 7 * 24, messages=30)
        summary(instance, hours_ago=5, messages=10)
        _context, text = opened("?period=30d")
        assert re.findall(r'<td class="(\w+)"><a[^>]*><span>[^<]*: (\d+) mess', text) in (
            [("l7", "100"), ("l1", "10")],
            [("l1", "10"), ("l7", "100")],
        )

    def test_cell_is_in_the_viewers_time_zone(self, viewer, opened, instance):
        viewer.cookies["statusboard_time_zone"] = "America/Sao_Paulo"
        HourlySummary.objects.create(
            instance=instance,
            hour=datetime(2026, 3, 9, 2, tzinfo=UTC),
            is_group=False,
            messages=4,
            computed_at=NOW,
        )
        _context, text = opened("?period=custom&first=2026-03-01&last=2026-03-20")
        assert "Sunday, 23:00: 4 messages" in text
        assert "São Paulo" in text

    def test_share_read_is_shown_only_for_hours_with_enough_messages(
        self, opened, instance, summary
    ):
        summary(instance, hours_ago=2, messages=50, read=30)
        summary(instance, hours_ago=3, messages=3, read=3)
        _context, text = opened("?period=30d&heat=read")
        assert "50 messages, 60.0% read" in text
        assert 'class="few"' in text
        assert "Fewer than 10 messages" in text

    def test_p95_is_the_time_within_which_most_are_delivered(self, opened, instance, summary):
        summary(instance, hours_ago=2, **slow(60, 100))
        _context, text = opened("?period=30d&heat=p95")
        assert "100 messages, 95% within about 58 s" in text

    @pytest.mark.parametrize(
        ("heat", "words"),
        [
            ("volume", "Busiest: {when}, 1,100 messages"),
            ("read", "Most often read: {when}, 54.5% of 1,100 messages"),
            ("p95", "Slowest: {when}, 95% of 1,100 messages within about 58 s"),
        ],
    )
    def test_sentence_names_the_peak(self, opened, instance, summary, heat, words):
        summary(instance, hours_ago=2, **slow(60, 1100) | {"read": 600})
        summary(instance, hours_ago=4, **slow(4, 20))
        at = timezone.localtime(NOW - timedelta(hours=2))
        when = f"{at:%A}, {at.hour:02}:00–{at.hour + 1:02}:00"
        assert words.format(when=when) in opened(f"?period=30d&heat={heat}")[1]

    def test_hours_are_also_a_table(self, viewer, opened, instance, summary):
        viewer.cookies["statusboard_time_zone"] = "UTC"
        summary(instance, hours_ago=2, messages=1234)
        _context, text = opened("?period=30d")
        hour = (NOW - timedelta(hours=2)).hour
        row = text.split(f'<th scope="row">{hour:02}:00</th>')[1].split("</tr>")[0]
        assert sorted(re.findall(r">([^<]+)</td>", row)) == sorted(["1,234", *["–"] * 6])

    def test_links_to_other_measures_keep_the_filters(self, opened, instance, summary):
        summary(instance, messages=1)
        context, _text = opened(f"?period=30d&instance={instance.pk}&sort=failed")
        url = context["heat_map"].links[1].url
        assert "heat=read" in url
        assert f"instance={instance.pk}" in url
        assert "sort=failed" in url
        assert url.endswith("#heat-map")

    def test_short_period_has_no_heat_map(self, opened, instance, summary):
        summary(instance, messages=1)
        assert opened("?period=24h")[0]["heat_map"] is None

    def test_period_links_keep_the_measure(self, opened, instance, summary):
        summary(instance, messages=1)
        context, _text = opened("?heat=p95")
        assert all("heat=p95" in link.url for link in context["period_links"])


class TestReasons:
    def test_many_reasons_are_shown_on_demand(self, opened, instance, summary):
        summary(instance, messages=9)
        for n, code in enumerate(sorted({one.alike[0] for one in FAILURES.values()})[:9]):
            Message.objects.create(
                instance=instance,
                zapi_id=f"M{n}",
                rank=Status.FAILED.rank,
                failure_code=code,
                is_group=False,
                inbound=False,
                first_heard_at=NOW - timedelta(minutes=5),
                started_at=NOW - timedelta(minutes=5),
            )
        sum_failures([(instance.pk, NOW - timedelta(minutes=5))])
        found = opened()[0]["reasons"]
        assert len(found.rows) == 8
        everything = opened(found.all_url.removeprefix(URL).partition("#")[0])[0]["reasons"]
        assert len(everything.rows) == 9
        assert everything.all_url == ""


class TestInstances:
    def test_lowest_delivery_rate_comes_first(self, opened, instance, other, summary):
        summary(instance, messages=100, delivered=90)
        summary(other, messages=100, delivered=40, failed=50)
        names = [card.instance.name for card in opened()[0]["cards"].shown]
        assert names == ["Cobrança", "Atendimento"]

    def test_rate_of_few_messages_comes_last(self, opened, instance, other, summary):
        summary(instance, messages=100, delivered=90)
        summary(other, messages=3)
        names = [card.instance.name for card in opened()[0]["cards"].shown]
        assert names == ["Atendimento", "Cobrança"]

    @pytest.mark.parametrize("sort", ["volume", "failed", "time"])
    def test_instances_are_sorted_by_what_was_chosen(self, opened, instance, other, summary, sort):
        summary(instance, **slow(4, 90) | {"failed": 1})
        summary(other, **slow(60, 100) | {"failed": 5})
        context, _text = opened(f"?sort={sort}")
        assert next(card.instance.name for card in context["cards"].shown) == "Cobrança"

    def test_highest_failure_rate_comes_first(self, opened, instance, other, summary):
        summary(instance, messages=1000, failed=30)
        summary(other, messages=100, failed=20)
        context, text = opened("?sort=failed")
        names = [card.instance.name for card in context["cards"].shown]
        assert names == ["Cobrança", "Atendimento"]
        assert "(20.0%)" in text

    def test_name_filters_the_overview_by_this_instance(self, opened, instance, other, summary):
        summary(instance, messages=1)
        summary(other, messages=1)
        context, _text = opened("?period=30d&tag=South")
        assert context["cards"] is None
        (card, _) = opened("?period=30d")[0]["cards"].shown
        assert f"instance={card.instance.pk}" in card.url
        assert "tag" not in card.url

    def test_many_instances_are_shown_on_demand(self, opened, account, summary):
        for n in range(26):
            one = Instance.objects.create(account=account, name=f"I{n}", zapi_id=f"i{n}")
            summary(one, messages=1)
        cards = opened()[0]["cards"]
        assert len(cards.shown) == 24
        assert (
            len(opened(cards.all_url.removeprefix(URL).partition("#")[0])[0]["cards"].shown) == 26
        )


class TestDistribution:
    def test_median_and_p95_are_marked_on_the_scale(self, opened, instance, summary):
        summary(instance, **slow(60, 100))
        (to_delivered, to_read) = opened()[0]["distributions"]
        assert [bar.label for bar in to_delivered.bars if bar.count] == ["30 s – 1 min"]
        # The seventh of eighteen bars.
        marks = re.findall(r'class="(?:typical|p95)" d="M([\d.]+) ', to_delivered.drawing)
        assert [1000 * 6 / 18 < float(mark) < 1000 * 7 / 18 for mark in marks] == [True, True]
        assert to_read.latency.median == ""

    def test_times_beyond_the_scale_have_their_own_bar(self, opened, instance, summary):
        summary(instance, messages=1, read_timed=1)
        (_to_delivered, to_read) = opened()[0]["distributions"]
        assert [bar.label for bar in to_read.bars if bar.count] == ["more than 1 day"]
        assert 'class="p95" d="M972' in to_read.drawing


@pytest.mark.parametrize("query", ["?heat=x&sort=y&full=z", "?heat=%00&full=reasons&full=reasons"])
def test_invalid_display_is_no_error(viewer, instance, query):
    assert viewer.get(URL + query).status_code == 200


class TestReceiptsOff:
    """An instance whose read receipts are off reports no reads."""

    @pytest.fixture
    def silent(self, instance):
        Instance.objects.filter(pk=instance.pk).update(receipts_off_since=NOW - timedelta(days=5))
        return instance

    def read_figure(self, context):
        return next(one for one in context["figures"] if one.tone == "read")

    @pytest.mark.parametrize("query", ["?period=30d", "?period=30d&heat=read"])
    def test_share_read_of_this_instance_is_unknown(self, opened, silent, summary, query):
        summary(silent, messages=50, sent=50, delivered=50)
        context, text = opened(f"{query}&instance={silent.pk}")
        figure = self.read_figure(context)
        assert (figure.value, figure.note) == ("Unknown", "read receipts are off")
        assert context["steps"][-1].words == "unknown"
        assert "Read receipts are off for Atendimento." in text
        assert "0% read" not in text

    def test_total_says_how_it_is_affected(self, opened, silent, other, summary):
        summary(silent, messages=50, delivered=50)
        summary(other, messages=100, delivered=90, read=60)
        context, text = opened()
        assert self.read_figure(context).value == "40.0%"
        assert "its messages (50) lower the share read" in " ".join(text.split())
        assert "60.0% were read" in text

    def test_messages_before_receipts_were_off_say_nothing(self, opened, silent, summary):
        summary(silent, hours_ago=24 * 10, messages=50, delivered=50)
        days = [f"{NOW - timedelta(days=number):%Y-%m-%d}" for number in (12, 8)]
        _context, text = opened(f"?period=custom&first={days[0]}&last={days[1]}")
        assert "Read receipts are off" not in text

    def test_group_messages_say_nothing(self, opened, silent, summary):
        summary(silent, messages=50, delivered=50)
        HourlySummary.objects.update(is_group=True)
        assert "Read receipts are off" not in opened("?groups=1")[1]

    def test_instance_with_receipts_says_nothing(self, opened, instance, summary):
        summary(instance, messages=50, delivered=50)
        assert self.read_figure(opened()[0]).value == "0%"
