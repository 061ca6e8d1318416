"""One definition of a stuck message, and one count of them on every page."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from messages.accounts.api_keys import issue
from messages.accounts.roles import ADMIN
from messages.incidents.incident_counts import Counts, incident_counts
from messages.models import ApiKey, Incident, IncidentKind, Instance, KeyRole
from tests.monitoring.test_metrics import TOKEN, samples, scrape
from tests.plugins.api import Caller
from tests.plugins.incidents import send
from tests.plugins.pages import HttpsClient


@pytest.fixture
def admin(db):
    incident_counts.freeze(Counts())
    user = User.objects.create_user("ana", password="p")
    user.groups.add(Group.objects.get(name=ADMIN))
    client = HttpsClient()
    client.force_login(user)
    return client


@pytest.fixture
def other(instance):
    return Instance.objects.create(account=instance.account, name="Vendas", zapi_id="other")


def ago(**by: float):
    return timezone.now() - timedelta(**by)


def text_of(client, path: str) -> str:
    return str(client.get(path).content.decode())


def counted_on_instances(client) -> dict[str, int]:
    """Each count, by the URL it links to."""
    links = r'<a class="tag warning" href="([^"]+)"[^>]*>.*?</svg>\s*(\d+) stuck'
    found = re.findall(links, text_of(client, "/instances/"), re.DOTALL)
    return {unescape(path): int(number) for path, number in found}


@pytest.fixture
def seventeen(instance, other):
    """Stuck since this morning; only 2 of the 40 of the last hour are stuck."""
    send(instance, 15, ago(hours=8))
    send(instance, 2, ago(minutes=50))
    send(instance, 38, ago(minutes=50), rank=30)
    send(instance, 9, ago(days=3))
    send(other, 14, ago(hours=8))


def test_instances_page_counts_equal_the_linked_lists(admin, seventeen):
    numbers = counted_on_instances(admin)
    assert sorted(numbers.values()) == [14, 17]
    for path, number in numbers.items():
        assert text_of(admin, path).count('class="row-link"') == number


def test_stuck_view_lists_as_many_as_instances_counts(admin, seventeen):
    page = text_of(admin, "/?view=stuck")
    assert page.count('class="row-link"') == 31


def test_stuck_view_with_longer_period_includes_older_messages(admin, seventeen):
    assert text_of(admin, "/?view=stuck&period=7d").count('class="row-link"') == 40


def test_attention_explains_a_count_below_the_threshold(admin, seventeen):
    page = text_of(admin, "/attention/")
    assert "17 messages are stuck. 2 became stuck in the last hour; an alert needs 8." in page
    assert "14 messages are stuck." in page
    assert "No open problems" in page


def test_instance_page_explains_a_count_below_the_threshold(admin, seventeen, instance):
    assert "17 messages are stuck. 2" in text_of(admin, f"/instances/{instance.pk}/")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(30, "last 24 hours"), (13 * 60, "last 7 days"), (5 * 1440, "last 30 days")],
)
def test_count_of_an_instance_says_which_period_it_covers(admin, instance, minutes, words):
    Instance.objects.update(stuck_after=minutes)
    send(instance, 1, ago(minutes=minutes + 5))
    said = f"Stuck: sent in the {words}, but not confirmed as delivered."
    assert said in text_of(admin, "/instances/")
    assert said in text_of(admin, f"/instances/{instance.pk}/")


def test_problem_says_which_period_its_count_covers(admin, instance):
    now = timezone.now()
    Instance.objects.update(stuck_after=13 * 60)
    send(instance, 3, ago(minutes=14 * 60))
    Incident.objects.create(
        kind=IncidentKind.STUCK,
        instance=instance,
        opened_at=now,
        last_seen_at=now,
        values={"count": 3, "queued": 37},
    )
    page = text_of(admin, "/attention/")
    assert "3 messages of the last 7 days are stuck: sent, but not confirmed" in page
    assert "37 messages wait in Z-API’s queue" in page


def test_overview_shows_the_same_count(admin, seventeen, instance):
    for query, number in (("", 31), (f"?instance={instance.pk}", 17)):
        asides = admin.get(f"/overview/{query}").context["asides"]
        counts = {str(one.label): one.count for one in asides}
        assert counts["Stuck, last 24 hours"] == number


def test_api_returns_the_same_count(seventeen):
    caller = Caller(issue(ApiKey(name="CRM", role=KeyRole.SUPERVISOR), by=None))
    found = caller.read("/instances/")["results"]
    assert sorted(one["stuck"] for one in found) == [14, 17]
    assert len(caller.read("/messages/?view=stuck&limit=100")["results"]) == 31


def test_metrics_return_the_same_count(seventeen, instance, settings):
    settings.METRICS_ON, settings.METRICS_TOKEN = True, TOKEN
    found = samples(scrape().body.decode())
    stuck = [value for name, value in found.items() if "statusboard_stuck_messages" in str(name)]
    assert sorted(stuck) == [14, 17]


@pytest.mark.parametrize("kind", [IncidentKind.STUCK, IncidentKind.DISCONNECTED])
def test_open_incident_shows_the_current_count(admin, seventeen, instance, kind):
    now = timezone.now()
    values = {"count": 400, "stuck_count": 400}
    Incident.objects.create(
        kind=kind, instance=instance, opened_at=now, last_seen_at=now, values=values
    )
    page = text_of(admin, "/attention/")
    assert "17 messages of the last 24 hours are stuck:" in page
    assert "400" not in page


def test_worker_stores_the_count_that_pages_show(seventeen, instance, look, clock):
    send(instance, 12, clock.now - timedelta(minutes=40))
    assert look() == ["stuck"]
    assert Incident.objects.get().values["count"] == 29


@pytest.mark.parametrize(
    "phone", ["status@broadcast", "1774895799-broadcast", "120363000000000001@newsletter"]
)
def test_addresses_without_delivery_reports_are_never_stuck(admin, instance, phone):
    send(instance, 1, ago(minutes=50), phone=phone, is_group=True)
    assert counted_on_instances(admin) == {}
    assert "Stuck for" not in text_of(admin, "/")
    assert 'class="row-link"' not in text_of(admin, "/?view=stuck")


def test_messages_of_an_archived_instance_are_not_stuck(admin, instance):
    send(instance, 1, ago(minutes=50))
    Instance.objects.update(archived_at=timezone.now())
    assert "Stuck for" not in text_of(admin, "/")
    assert 'class="row-link"' not in text_of(admin, "/?view=stuck")


def test_counts_agree_with_a_threshold_of_more_than_a_day(admin, instance):
    Instance.objects.update(stuck_after=30 * 60)
    send(instance, 4, ago(hours=31))
    [(path, number)] = counted_on_instances(admin).items()
    assert number == 4
    for address in (path, "/?view=stuck"):
        assert text_of(admin, address).count('class="row-link"') == 4
