"""GET /: search, filters and pages."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from messages.domain.failures import FAILURES
from messages.domain.statuses import Status
from messages.jobs.follow_ups import follow_up
from messages.models import Instance, Label, Message
from tests.plugins.pages import shown

HOME = "/"


def age(message, **ago):
    """Move the first callback of the message into the past."""
    Message.objects.filter(pk=message.pk).update(first_heard_at=timezone.now() - timedelta(**ago))


def test_user_without_permission_gets_403(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("nobody"))
    assert client.get(HOME).status_code == 403


def test_anonymous_user_is_redirected_to_sign_in(client, db):
    assert client.get(HOME).url == "/account/login/?next=/"


def test_message_shows_its_status_recipient_and_instance(viewer, report):
    report("SENT", "RECEIVED")
    page = viewer.get(HOME).content.decode()
    for text in (
        "Delivered",
        "+55 44 99999-9999",
        "3EB0A1",
        "Atendimento",
        "Delivered in <b>1 s</b>",
    ):
        assert text in page


def test_every_time_is_exact_for_a_screen_reader(viewer, report):
    message = report("SENT")
    exact = timezone.localtime(message.sent_at).strftime("%H:%M:%S")
    page = viewer.get(HOME).content.decode()
    assert re.search(rf'<time datetime="[^"]+" title="[^"]+{exact}"', page)


def test_row_shows_the_clock_time_under_a_heading_for_its_day(viewer, clock, report):
    # Not around midnight, when the message would be of the day before.
    clock.now = clock.now.replace(hour=15)
    message = report("SENT")
    clock = timezone.localtime(message.started_at).strftime("%H:%M")
    page = viewer.get(HOME)
    assert [day.heading for day in page.context["days"]] == ["Today"]
    assert f'<span aria-hidden="true">{clock}</span>' in page.content.decode()


def test_messages_of_two_days_have_two_headings(viewer, report):
    report("SENT", id="NEW")
    age(report("SENT", id="OLD"), days=1)
    days = viewer.get(HOME).context["days"]
    assert [(day.heading, len(day.rows)) for day in days] == [("Today", 1), ("Yesterday", 1)]


def test_time_of_another_day_than_its_heading_names_its_day(viewer, report):
    message = report("SENT", minutes_ago=3 * 24 * 60)
    day = date_format(timezone.localtime(message.started_at), "j M")
    page = viewer.get(HOME)
    assert [one.heading for one in page.context["days"]] == ["Today"]
    assert f'<span aria-hidden="true">{day}</span>' in page.content.decode()


def test_failed_view_shows_the_time_by_which_it_is_sorted_to_the_second(viewer, deliver):
    message = deliver(error="Phone number does not exist")
    message.first_heard_at -= timedelta(minutes=7)
    message.save()
    clock = timezone.localtime(message.first_heard_at).strftime("%H:%M:%S")
    page = viewer.get("/?view=failed").content.decode()
    assert '<th scope="col">First seen</th>' in page
    assert f'<span aria-hidden="true">{clock}</span>' in page


def test_label_comes_before_the_number(viewer, report, instance):
    report("SENT")
    Label.objects.create(
        instance=instance, zapi_id="3EB0A1", label="Order 1042", updated_at=timezone.now()
    )
    page = viewer.get(HOME).content.decode()
    assert re.search(r"Order 1042</strong>\s*<span title=\"3EB0A1\">", page)


@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_times_are_in_the_zone_of_the_browser_in_every_language(language, viewer, report):
    report("SENT")
    viewer.cookies["statusboard_browser_time_zone"] = "Asia/Tokyo"
    viewer.cookies["django_language"] = language
    assert re.search(r'<time datetime="[^"]+\+09:00"', viewer.get(HOME).content.decode())


def test_list_is_sorted_newest_first(viewer, report):
    for name in ("A1", "A2", "A3"):
        report("SENT", id=name)
    assert shown(viewer.get(HOME)) == ["A3", "A2", "A1"]


@pytest.mark.parametrize(
    "text",
    [
        "+55 (44) 9 9999-9999",
        "44 99999-9999",
        "44 9999-9999",
        "99999-9999",
        "9999 9999",
        "+55 44 9",
        "*9999-99*",
        "4499",
        "3EB0A1",
        "3eb0a1",
        "Z3EB0A1",
    ],
)
def test_search_finds_a_message_by_number_or_id(text, viewer, report, deliver):
    deliver()
    report("SENT", id="OTHER", phone="5511987650000")
    follow_up()
    assert shown(viewer.get(HOME, {"q": text})) == ["3EB0A1"]


def test_search_finds_the_number_without_the_ninth_digit(viewer, report):
    report("SENT", phone="554499999999")
    page = viewer.get(HOME, {"q": "+55 44 99999-9999"})
    assert shown(page) == ["3EB0A1"]
    assert "with and without the 9 (+55 44 9999-9999)" in page.content.decode()


def test_search_covers_all_time_unless_a_period_is_set(viewer, report):
    age(report("SENT"), days=300)
    assert shown(viewer.get(HOME)) == []
    assert shown(viewer.get(HOME, {"q": "3EB0A1"})) == ["3EB0A1"]
    assert shown(viewer.get(HOME, {"q": "3EB0A1", "period": "30d"})) == []


def test_list_shows_the_last_7_days_by_default(viewer, report):
    age(report("SENT"), days=8)
    page = viewer.get(HOME)
    assert page.context["nothing"] == "only older"
    assert page.context["period_label"] == "Last 7 days"
    assert shown(viewer.get(page.context["all_time_url"])) == ["3EB0A1"]


def test_inbound_messages_are_hidden_by_default(viewer, report):
    report("READ_BY_ME")
    page = viewer.get(HOME)
    assert (shown(page), page.context["nothing"]) == ([], "only inbound")
    assert shown(viewer.get(page.context["inbound_url"])) == ["3EB0A1"]


def test_list_can_be_filtered_by_status_and_instance(viewer, report, deliver, account):
    report("SENT", id="S")
    report("SENT", "READ", id="R")
    deliver("F", error="Phone number does not exist")
    assert shown(viewer.get(HOME, {"status": "read"})) == ["R"]
    assert shown(viewer.get(HOME, {"status": ["read", "failed"]})) == ["F", "R"]
    other = Instance.objects.create(account=account, name="Cobrança", zapi_id="other", token="t")
    assert shown(viewer.get(HOME, {"instance": other.pk})) == []


def test_filter_chip_removes_its_filter(viewer, report, instance):
    report("SENT")
    address = f"/?q=44999999999&status=sent&instance={instance.pk}&period=30d&inbound=1"
    chips = {str(chip.label): chip.url for chip in viewer.get(address).context["chips"]}
    assert list(chips) == [
        "Status: Sent",
        "Instance: Atendimento",
        "With messages from customers",
    ]
    assert chips["Status: Sent"] == f"/?q=44999999999&instance={instance.pk}&period=30d&inbound=1"


def test_new_search_keeps_the_filters(viewer, report):
    report("SENT")
    page = viewer.get("/?q=old&status=sent").content.decode()
    form = page.split('role="search"')[1].split("</form>")[0]
    assert '<input type="hidden" name="status" value="sent">' in form
    assert form.count('name="q"') == 1


# A list sorted by first callback, and one sorted by sending time.
DAY = "since=2026-11-28T23:00Z&until=2026-11-29T00:00Z"


@pytest.mark.parametrize("more", ["", "&period=all", "&status=failed"])
def test_date_filter_replaces_the_period(viewer, report, more):
    report("SENT")
    page = viewer.get(f"/?{DAY}{more}")
    assert page.context["period_label"].startswith("28 Nov")
    assert "All time" not in page.context["period_label"]
    assert not any(link.is_current for link in page.context["period_links"])
    assert "all time" not in page.content.decode().split('id="understood"')[1][:400]


def test_period_link_replaces_the_date_filter(viewer, report):
    report("SENT")
    links = {str(link.label): link.url for link in viewer.get(f"/?{DAY}").context["period_links"]}
    assert links["Last 7 days"] == "/?period=7d"
    assert links["All time"] == "/?period=all"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("since=2020-11-28T23:00Z", "Since 28 Nov 2020"),
        ("until=2020-11-28T23:00Z", "Before 28 Nov 2020"),
        ("since=2020-11-28T23:00Z&period=30d", "Since 28 Nov 2020, 23:00 · Last 30 days"),
    ],
)
def test_period_button_names_single_dates(viewer, report, given, words):
    report("SENT")
    label = viewer.get(f"/?{given}&status=failed").context["period_label"]
    assert label.startswith(words)


@pytest.mark.parametrize("query", ["period=30d", DAY])
def test_period_is_shown_only_on_its_button(viewer, report, query):
    report("SENT")
    page = viewer.get(f"/?{query}")
    assert page.context["chips"] == []
    assert 'class="chip"' not in page.content.decode()


def test_stuck_view_shows_its_default_period(viewer, report):
    report("SENT", minutes_ago=90)
    page = viewer.get("/?view=stuck")
    current = [str(link.label) for link in page.context["period_links"] if link.is_current]
    assert current == ["Last 24 hours"]
    assert "<span>Last 24 hours</span>" in page.content.decode()


def test_stuck_view_says_how_many_wait_where_and_since_when(viewer, report, deliver):
    oldest = report("SENT", id="S1", minutes_ago=90)
    report("SENT", id="S2", minutes_ago=80)
    late = timezone.now() - timedelta(minutes=70)
    Message.objects.filter(pk=deliver("D").pk).update(started_at=late)
    found = viewer.get("/?view=stuck").context
    links = {str(link.label): link.url for link in found["stuck_links"]}
    assert links == {
        "1 not sent by Z-API yet": "/?view=stuck&status=dispatched",
        "2 not delivered by WhatsApp yet": "/?view=stuck&status=sent",
    }
    assert found["oldest_stuck"].value == oldest.started_at
    assert shown(viewer.get("/?view=stuck&status=sent")) == ["S1", "S2"]


def test_stuck_view_can_be_sorted_newest_first(viewer, report):
    report("SENT", id="S1", minutes_ago=90)
    report("SENT", id="S2", minutes_ago=80)
    page = viewer.get("/?view=stuck")
    assert "Show newest first" in page.content.decode()
    newest = viewer.get(page.context["other_order_url"])
    assert shown(newest) == ["S2", "S1"]
    assert newest.context["oldest_stuck"] is None
    assert newest.context["other_order_url"] == "/?view=stuck"


def test_pages_of_the_stuck_view_lead_from_older_to_newer_messages(viewer, report):
    messages = [report("SENT", id=f"S{place:02}", minutes_ago=300 - place) for place in range(51)]
    first = viewer.get("/?view=stuck")
    assert (shown(first)[0], first.context["older_url"]) == ("S00", "")
    assert first.context["oldest_stuck"].value == messages[0].started_at
    second = viewer.get(first.context["newer_url"])
    assert (shown(second), second.context["newer_url"]) == (["S50"], "")
    assert "oldest_stuck" not in second.context
    assert shown(viewer.get(second.context["older_url"])) == shown(first)
    links = re.findall(r'rel="(prev|next)"', second.content.decode())
    assert links == ["prev"]


def test_stuck_view_links_the_older_messages_that_no_page_counts(viewer, report):
    report("SENT", id="NEW", minutes_ago=90)
    old = timezone.now() - timedelta(days=3)
    pk = report("SENT", id="OLD").pk
    Message.objects.filter(pk=pk).update(first_heard_at=old, started_at=old)
    page = viewer.get("/?view=stuck")
    assert shown(page) == ["NEW"]
    assert "Every page counts the stuck messages of the last 24 hours." in page.content.decode()
    everything = viewer.get(page.context["all_time_url"])
    assert shown(everything) == ["OLD", "NEW"]
    assert "Other pages count only the stuck messages" in everything.content.decode()


@pytest.mark.parametrize("view", ["", "failed"])
def test_order_of_other_views_does_not_change(viewer, report, view):
    report("SENT", id="A", minutes_ago=9)
    report("SENT", id="B", minutes_ago=8)
    Message.objects.update(failure_code="unknown", failed_at=timezone.now(), rank=25)
    page = viewer.get(f"/?view={view}&order=newest")
    assert shown(page) == ["B", "A"]
    assert "order=" not in page.context["query"]


@pytest.mark.parametrize("query", ["view=stuck", "view=failed", "", "view=stuck&q=3EB0A1"])
def test_list_without_stuck_messages_has_no_summary_of_them(viewer, report, query):
    report("SENT", minutes_ago=0 if query == "view=stuck" else 90)
    assert "stuck-summary" not in viewer.get(f"/?{query}").content.decode()


def test_stuck_view_query_count_is_fixed(viewer, report, django_assert_num_queries):
    report("SENT", minutes_ago=90)
    with django_assert_num_queries(16):
        viewer.get("/?view=stuck")


@pytest.mark.parametrize(
    ("query", "words"),
    [("", "Last 7 days"), ("q=3EB0A1", "All time"), ("since=2020-11-28", "Since 28 Nov 2020")],
)
def test_period_button_names_the_current_period(viewer, report, query, words):
    report("SENT")
    menu = viewer.get(f"/?{query}").content.decode().split('class="button-row period"')[1]
    assert words in menu.split("</summary>")[0]


def test_times_of_the_period_have_no_seconds(viewer, report):
    report("SENT")
    page = viewer.get("/?since=2020-11-28T13:00Z&until=2020-11-28T14:00Z")
    assert page.context["period_label"] == "28 Nov 2020, 13:00 – 14:00"


@pytest.mark.parametrize(
    ("kinds", "labels"),
    [
        (["individual", "group", "list"], ["Without channels"]),
        (["group", "list"], ["Groups and lists"]),
        (["individual", "channel"], ["Individual, Channel"]),
    ],
)
def test_chip_of_kinds_is_short_for_those_of_the_overview(viewer, report, kinds, labels):
    report("SENT")
    chips = viewer.get("/", {"kind": kinds}).context["chips"]
    assert [str(chip.label) for chip in chips] == labels


@pytest.mark.parametrize("query", ["period=30d&groups=0", "period=7d&groups=1", "period=today"])
def test_list_opened_from_the_overview_leads_back_to_it(viewer, report, query):
    report("SENT", "READ")
    question = viewer.get(f"/overview/?{query}").context["question"]
    assert viewer.get(question.list_url(("status", "read"))).context["overview_url"] == (
        f"/overview/?{query}"
    )


def test_list_of_an_hour_of_an_instance_leads_to_that_hour_of_the_overview(viewer, instance):
    times = "since=2020-11-28T13%3A00Z&until=2020-11-28T14%3A00Z"
    found = viewer.get(f"/?{times}&instance={instance.pk}").context["overview_url"]
    assert found == f"/overview/?period=7d&{times}&instance={instance.pk}"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "since=2020-11-28T13:00Z",
        "since=2020-11-28T13:30Z&until=2020-11-28T14:00Z",
        "since=2020-11-28T13:00Z&until=2020-11-28T14:00Z&q=3EB0A1",
        "since=2020-11-28T13:00Z&until=2020-11-28T14:00Z&kind=channel",
        "since=2020-11-28T13:00Z&until=2020-11-28T14:00Z&tag=a&tag=b",
    ],
)
def test_list_with_filters_that_the_overview_lacks_has_no_link_to_it(viewer, report, query):
    report("SENT")
    assert not viewer.get(f"/?{query}").context["overview_url"]


def test_old_status_name_accepted_in_a_url_means_dispatched(viewer, deliver):
    deliver(id="DISPATCHED ONE")
    found = viewer.get("/?status=accepted&reached=accepted").context
    assert [str(row.message) for row in found["rows"]] == ["DISPATCHED ONE"]
    assert any("status=dispatched" in chip.url for chip in found["chips"])


def test_view_link_removes_conflicting_filters(viewer, report):
    report("SENT")
    page = viewer.get("/?status=read&reached=sent&groups=0")
    links = {str(link.label): link.url for link in page.context["view_links"]}
    assert links["Failed"] == "/?view=failed&kind=individual"
    assert links["Groups"] == "/?view=groups&status=read&reached=sent"
    statuses = viewer.get("/?view=failed").context["status_links"]
    assert {str(link.label): link.url for link in statuses}["Read"] == "/?status=read"


ORDERS = [HOME, "/?since=2020-01-01T00:00Z&until=2099-01-01T00:00Z"]


@pytest.mark.parametrize("address", ORDERS)
def test_pagination_shows_every_message_once_in_order(viewer, many, address):
    seen = []
    while address:
        page = viewer.get(address)
        seen += shown(page)
        address = page.context["older_url"]
    assert seen == [f"M{n:03}" for n in reversed(range(120))]


@pytest.mark.parametrize("address", ORDERS)
def test_newer_link_returns_to_the_previous_page(viewer, many, address):
    first = viewer.get(address)
    second = viewer.get(first.context["older_url"])
    third = viewer.get(second.context["older_url"])
    assert shown(viewer.get(third.context["newer_url"])) == shown(second)
    assert shown(viewer.get(second.context["newer_url"])) == shown(first)
    assert first.context["newer_url"] == ""
    assert third.context["older_url"] == ""


def test_list_with_a_date_filter_is_sorted_by_sending_time(viewer, report):
    report("SENT", id="LATER", minutes_ago=10)
    report("SENT", id="EARLIER", minutes_ago=50)
    assert shown(viewer.get(HOME)) == ["EARLIER", "LATER"]
    assert shown(viewer.get("/?until=2099-01-01T00:00Z")) == ["LATER", "EARLIER"]


def test_new_messages_do_not_shift_an_older_page(viewer, many, report):
    address = viewer.get(HOME).context["older_url"]
    before = shown(viewer.get(address))
    report("SENT", id="NEW")
    assert shown(viewer.get(address)) == before


def test_pages_keep_the_filters(viewer, many):
    address = viewer.get("/?status=received&period=all").context["older_url"]
    assert address.startswith("/?status=received&period=all&older=")


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense&status=",
        "instance=x&instance=-1&instance=99999999999999999999999",
        "period=forever",
        "older=1-2-3",
        "newer=%00",
        f"older={'9' * 16}-{'9' * 18}",
        f"newer={'9' * 16}-{'9' * 18}",
        f"newer={quote('٣-٤')}",
        "q=%00%ff%F0%9F%98%80",
        f"q={'9' * 5000}",
        "q=%25_%5C'\"--",
        "inbound=maybe",
        "since=0001-01-01T00:00Z",
        "until=0001-01-01T00:00Z",
        "since=9999-12-31T23:59Z",
        "until=9999-12-31T23:59Z",
    ],
)
@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_invalid_query_is_ignored(query, language, viewer, report):
    report("SENT")
    viewer.cookies["django_language"] = language
    assert viewer.get(f"/?{query}").status_code == 200


def test_page_query_count_is_fixed(viewer, many, django_assert_num_queries):
    # Session, user, their permissions (2) and limits, instances, saved views, tags, messages,
    # labels, responses, and the counts, which need to know how far back, and what is late (2).
    with django_assert_num_queries(15):
        viewer.get(HOME)


def test_group_messages_need_one_more_query(viewer, report, many, django_assert_num_queries):
    for number in range(5):
        group = {"phone": f"12036301{number}-group", "isGroup": True}
        report("RECEIVED", "READ", id=f"G{number}", participant="5511987654321", **group)
        report("RECEIVED", id=f"G{number}", participant="5511987654322", **group)
    with django_assert_num_queries(16):
        page = viewer.get(HOME)
    assert page.content.decode().count(">Delivered to 2, read by 1<") == 5


def test_unknown_status_shows_its_own_name(viewer, report):
    report("TELEPORTED")
    assert "TELEPORTED" in viewer.get(HOME).content.decode()


def test_failure_after_delivery_is_marked(viewer, report, deliver):
    report("RECEIVED")
    deliver(error="expired")
    page = viewer.get(HOME).content.decode()
    assert "Also failed" in page
    assert "Failed: expired" not in page


def test_markup_in_callbacks_is_escaped(viewer, deliver):
    deliver("<b>id</b>", error="<script>alert(1)</script>", phone="<i>")
    page = viewer.get(HOME).content.decode()
    assert "<script>alert" not in page
    assert "<b>id" not in page


def test_message_read_by_us_is_not_in_the_unknown_filter(viewer, report):
    report("READ_BY_ME", id="OURS")
    report("TELEPORTED", id="UNKNOWN")
    page = viewer.get("/", {"status": "unknown", "inbound": "1"})
    assert shown(page) == ["UNKNOWN"]


@pytest.mark.parametrize("text", ["pedido-1042", "PEDIDO-1042"])
def test_reference_is_found_in_either_case(viewer, report, instance, text):
    report("SENT")
    Label.objects.create(
        instance=instance, zapi_id="3EB0A1", reference="pedido-1042", updated_at=timezone.now()
    )
    assert shown(viewer.get(HOME, {"q": text})) == ["3EB0A1"]


def test_masked_user_cannot_find_a_label_by_digits_of_its_number(masked_viewer, report, instance):
    report("SENT")
    Label.objects.create(
        instance=instance,
        zapi_id="3EB0A1",
        label="Order of +55 (44) 98765-4321",
        updated_at=timezone.now(),
    )
    assert masked_viewer.get("/", {"q": "order of"}).context["rows"]
    assert not masked_viewer.get("/", {"q": "of +55 (44) 98"}).context["rows"]


def test_failures_for_a_reason_are_counted_beyond_the_newest_messages(viewer, instance):
    now = timezone.now()
    code = next(iter(FAILURES))
    Message.objects.bulk_create(
        Message(
            instance=instance,
            zapi_id=f"M{n}",
            rank=(Status.FAILED if n >= 3100 else Status.SENT).rank,
            failure_code=code if n >= 3100 else "",
            phone="5544999999999",
            is_group=False,
            inbound=False,
            first_heard_at=now - timedelta(minutes=n),
            started_at=now - timedelta(minutes=n),
        )
        for n in range(3105)
    )
    page = viewer.get(f"/?reason={code}&kind=individual&kind=group")
    assert page.context["results_words"] == "5"
