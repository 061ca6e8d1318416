"""Needs attention, the banner and the workers page, for each role."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from messages.accounts.roles import ADMIN, SUPERVISOR, SUPPORT
from messages.dashboard.shared.moments import Moment
from messages.incidents.incident_counts import Counts, incident_counts
from messages.incidents.overdue import ABSENT_AFTER
from messages.incidents.presentation import advice, who_acts
from messages.models import AuditEvent, Incident, IncidentKind, Instance, UserLimit, WorkerBeat
from tests.plugins.incidents import send
from tests.plugins.pages import HttpsClient


@pytest.fixture(autouse=True)
def _no_cache(nothing_needs_attention, monkeypatch):
    """Simulate a web process that runs for a long time and does not cache incident counts."""
    monkeypatch.setattr("messages.incidents.incident_counts._CACHE_SECONDS", 0.0)
    monkeypatch.setattr(incident_counts, "began", -ABSENT_AFTER.total_seconds() * 1e6)
    incident_counts.refresh()


@pytest.fixture(autouse=True)
def _a_worker_runs(db):
    now = timezone.now()
    WorkerBeat.objects.create(host="one", pid=7, started_at=now, beat_at=now)


def signed_in(role: str, name: str = "ana") -> HttpsClient:
    user = User.objects.create_user(name, password="p")
    user.groups.add(Group.objects.get(name=role))
    client = HttpsClient()
    client.force_login(user)
    return client


@pytest.fixture
def supervisor(db):
    return signed_in(SUPERVISOR)


def opened(instance, kind=IncidentKind.DISCONNECTED, **fields) -> Incident:
    now = timezone.now()
    return Incident.objects.create(
        kind=kind, instance=instance, **{"opened_at": now, "last_seen_at": now} | fields
    )


def text_of(response) -> str:
    return str(response.content.decode())


def shown_text(response) -> str:
    """Without the markup and what only screen readers read."""
    seen = re.sub(r'<span class="visually-hidden">.*?</span>', "", text_of(response))
    return " ".join(re.sub(r"<[^>]+>", "", seen).split())


def link_to(incident: Incident) -> str:
    return f'<a href="/attention/#problem-{incident.pk}">{incident.instance} is disconnected</a>'


def clock_time(incident: Incident) -> str:
    incident.refresh_from_db()
    return f"{timezone.localtime(incident.acknowledged_at):%H:%M}"


def test_banner_without_incidents_is_absent(supervisor):
    page = text_of(supervisor.get("/"))
    assert "data-count" not in page
    assert "<title>Messages" in page


def test_banner_and_title_show_an_open_incident(supervisor, instance):
    opened(instance)
    page = text_of(supervisor.get("/"))
    assert 'data-count="1"' in page
    assert "Atendimento is disconnected" in page
    assert "<title>(1) Messages" in page


def test_banner_with_many_incidents_shows_how_many_more(supervisor, instance):
    for kind in (IncidentKind.DISCONNECTED, IncidentKind.WEBHOOK, IncidentKind.FAILING):
        opened(instance, kind)
    banner = text_of(supervisor.get("/attention/banner/"))
    assert "3 problems:" in banner
    assert "1 more" in banner


def test_support_reads_attention_but_cannot_acknowledge(instance):
    incident = opened(instance)
    support = signed_in(SUPPORT)
    assert 'href="/attention/"' in text_of(support.get("/"))
    page = text_of(support.get("/attention/"))
    assert "Atendimento is disconnected" in page
    assert "Nobody is working on it yet" in page
    assert "acknowledge/" not in page
    assert support.post(f"/attention/{incident.pk}/acknowledge/").status_code == 403


def test_support_sees_only_incidents_of_their_instances(instance):
    support = signed_in(SUPPORT)
    other = Instance.objects.create(account=instance.account, name="Vendas", zapi_id="other")
    UserLimit.objects.create(user=User.objects.get(), instance=other)
    opened(instance)
    opened(instance, IncidentKind.SILENT, resolved_at=timezone.now())
    opened(other)
    page = text_of(support.get("/attention/"))
    assert "Vendas is disconnected" in page
    assert "Atendimento" not in page


def test_incidents_of_other_instances_are_hidden_from_limited_users(instance, supervisor):
    other = Instance.objects.create(account=instance.account, name="Vendas", zapi_id="other")
    UserLimit.objects.create(user=User.objects.get(), instance=other)
    hidden = opened(instance)
    opened(None, IncidentKind.SPOOL, place="door-1", values={"waiting": 3})
    opened(other)
    page = text_of(supervisor.get("/attention/"))
    assert "Vendas is disconnected" in page
    assert "Atendimento" not in page
    assert "door-1" not in page
    assert supervisor.post(f"/attention/{hidden.pk}/acknowledge/").status_code == 404


def test_page_describes_the_problem_and_gives_advice(supervisor, instance):
    send(instance, 400, timezone.now() - timedelta(hours=1))
    opened(instance, IncidentKind.STUCK, values={"queued": 37})
    page = text_of(supervisor.get("/attention/"))
    assert (
        "400 messages of the last 24 hours are stuck: sent, but not confirmed as delivered. "
        "37 messages wait in Z-API’s queue"
    ) in page
    assert "Open the stuck messages: the oldest is first." in page


@pytest.mark.parametrize("kind", [*IncidentKind])
def test_every_problem_says_what_to_do_and_who_does_it(kind):
    incident = Incident(kind=kind)
    assert advice(incident).endswith(".")
    assert re.fullmatch(r"Who acts: .+\.", who_acts(incident))


def test_wrong_webhook_says_how_the_other_system_keeps_its_callbacks(supervisor, instance):
    opened(instance, IncidentKind.WEBHOOK, values={"hooks": ["message-status"]})
    page = text_of(supervisor.get("/attention/"))
    assert "choose “Replace and forward” if another system needs these" in page
    assert "Who acts: an admin of Statusboard. Support cannot solve this." in page


def test_acknowledging_shows_the_note_and_is_audited(supervisor, instance):
    incident = opened(instance)
    answer = supervisor.post(
        f"/attention/{incident.pk}/acknowledge/", {"note": "The phone is charging"}, follow=True
    )
    assert "ana has been working on it" in text_of(answer)
    assert "The phone is charging" in text_of(answer)
    assert "data-count" not in text_of(answer)
    assert "<title>Needs attention" in text_of(answer)
    event = AuditEvent.objects.get(action="incident changed")
    assert (event.actor_name, event.instance) == ("ana", instance)


def test_button_marks_a_problem_as_worked_on_without_a_note(supervisor, instance):
    incident = opened(instance, note="From before")
    assert "I am working on it" in text_of(supervisor.get("/attention/"))
    page = text_of(supervisor.post(f"/attention/{incident.pk}/acknowledge/", follow=True))
    assert "You are working on this problem now." in page
    assert "I am working on it" not in page
    assert "From before" in page


def test_problem_that_somebody_works_on_is_one_line_with_name_and_time(supervisor, instance):
    incident = opened(instance)
    supervisor.post(f"/attention/{incident.pk}/acknowledge/")
    page = text_of(supervisor.get("/attention/"))
    summary = page.split("<summary>")[1].split("</summary>")[0]
    assert "Atendimento is disconnected" in summary
    assert "ana has been working on it" in summary
    assert clock_time(incident) in summary


def test_message_after_the_button_can_undo_it(supervisor, instance):
    incident = opened(instance)
    page = text_of(supervisor.post(f"/attention/{incident.pk}/acknowledge/", follow=True))
    (form,) = re.findall(
        r'<div class="notice success">.*?<form method="post" (.*?)</form>', page, re.S
    )
    assert f'action="/attention/{incident.pk}/release/"' in form
    assert "csrfmiddlewaretoken" in form
    assert "Undo" in form
    page = text_of(supervisor.post(f"/attention/{incident.pk}/release/", follow=True))
    assert "I am working on it" in page
    assert "Undo" not in page


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (IncidentKind.DISCONNECTED, "Open the instance Atendimento"),
        (IncidentKind.STUCK, "Show the messages"),
    ],
)
def test_link_of_a_problem_that_somebody_works_on_says_what_it_opens(
    supervisor, instance, kind, words
):
    opened(instance, kind, acknowledged_at=timezone.now())
    assert re.search(rf'<a href="[^"]+">{words}</a>', text_of(supervisor.get("/attention/")))


def test_stopping_to_work_on_a_problem_opens_it_again_and_is_audited(supervisor, instance):
    incident = opened(instance)
    supervisor.post(f"/attention/{incident.pk}/acknowledge/", {"note": "a"})
    page = text_of(supervisor.post(f"/attention/{incident.pk}/release/", follow=True))
    assert "Nobody is working on this problem now." in page
    assert "I am working on it" in page
    incident.refresh_from_db()
    assert (incident.acknowledged_by, incident.acknowledged_at, incident.note) == (None, None, "a")
    event = AuditEvent.objects.filter(action="incident changed").latest("id")
    assert event.details == {"kind": "disconnected", "acknowledged": False}


def test_stopping_to_work_on_a_problem_of_nobody_changes_nothing(supervisor, instance):
    incident = opened(instance)
    assert supervisor.post(f"/attention/{incident.pk}/release/").status_code == 302
    assert not AuditEvent.objects.filter(action="incident changed").exists()


def test_problem_of_another_instance_cannot_be_released(instance, supervisor):
    other = Instance.objects.create(account=instance.account, name="Vendas", zapi_id="other")
    UserLimit.objects.create(user=User.objects.get(), instance=other)
    hidden = opened(instance, acknowledged_at=timezone.now())
    assert supervisor.post(f"/attention/{hidden.pk}/release/").status_code == 404


def test_second_person_is_told_that_somebody_works_on_it(supervisor, instance):
    incident = opened(instance)
    supervisor.post(f"/attention/{incident.pk}/acknowledge/")
    bia = signed_in(SUPERVISOR, "bia")
    page = text_of(bia.post(f"/attention/{incident.pk}/acknowledge/", follow=True))
    assert "Somebody is already working on this problem." in page
    assert "ana has been working on it" in page


def test_acknowledged_incident_stays_in_the_banner_until_resolved(supervisor, instance):
    incident = opened(instance)
    supervisor.post(f"/attention/{incident.pk}/acknowledge/")
    support = signed_in(SUPPORT, "bia")
    answer = support.get("/attention/banner/")
    assert "banner is-attended" in text_of(answer)
    assert link_to(incident) in text_of(answer)
    assert f"ana has been working on it since {clock_time(incident)}" in shown_text(answer)
    Incident.objects.update(resolved_at=timezone.now())
    assert "is disconnected" not in text_of(support.get("/attention/banner/"))


def test_banner_shows_unacknowledged_and_acknowledged_incidents(supervisor, instance):
    opened(instance, acknowledged_at=timezone.now())
    opened(instance, IncidentKind.FAILING)
    page = text_of(supervisor.get("/"))
    assert 'data-count="1"' in page
    assert page.index("Atendimento: High failure rate") < page.index("is disconnected")


def test_banner_with_several_acknowledged_incidents_names_who_works_on_them(supervisor, instance):
    for kind in (IncidentKind.DISCONNECTED, IncidentKind.FAILING, IncidentKind.SILENT):
        supervisor.post(f"/attention/{opened(instance, kind).pk}/acknowledge/")
    banner = shown_text(supervisor.get("/attention/banner/"))
    assert banner.count("ana has been working on it since") == 2
    assert "1 more" in banner


def test_problem_in_the_banner_leads_to_its_place_on_the_page(supervisor, instance):
    incident = opened(instance)
    assert link_to(incident) in text_of(supervisor.get("/"))
    assert f'id="problem-{incident.pk}"' in text_of(supervisor.get("/attention/"))


def test_banner_without_permission_to_see_problems_has_no_link(instance):
    incident = opened(instance)
    Group.objects.get(name=SUPPORT).permissions.filter(codename="view_incident").delete()
    banner = text_of(signed_in(SUPPORT).get("/attention/banner/"))
    assert "Atendimento is disconnected" in banner
    assert link_to(incident) not in banner


def test_banner_says_since_which_day_somebody_works_on_a_problem(supervisor, instance, clock):
    incident = opened(instance)
    supervisor.post(f"/attention/{incident.pk}/acknowledge/")
    clock.advance(days=1)
    banner = shown_text(supervisor.get("/attention/banner/"))
    assert f"ana has been working on it since yesterday at {clock_time(incident)}" in banner


def test_problem_shows_when_it_began_and_since_when_somebody_works_on_it(
    supervisor, instance, clock
):
    incident = opened(instance)
    supervisor.post(f"/attention/{incident.pk}/acknowledge/")
    incident.refresh_from_db()
    assert incident.acknowledged_at
    began, taken = Moment(incident.opened_at), Moment(incident.acknowledged_at)
    clock.advance(days=3)
    page = shown_text(supervisor.get("/attention/"))
    assert f"Began {began.brief}" in page
    assert f"ana has been working on it since {taken.to_the_minute}" in page


def test_disconnection_start_is_the_same_on_every_page(instance, look, clock):
    since = clock.now - timedelta(minutes=47, seconds=13)
    Instance.objects.update(connected=False, connection_changed_at=since)
    look()
    # Connected for a moment, then disconnected again: still the same problem.
    Instance.objects.update(connection_changed_at=clock.now - timedelta(minutes=3))
    look()
    admin = signed_in(ADMIN)
    start = f"{timezone.localtime(since):%H:%M:%S}"
    assert start in text_of(admin.get("/attention/"))
    assert start in text_of(admin.get(f"/instances/{instance.pk}/"))


def test_first_acknowledgement_is_kept_when_the_note_changes(supervisor, instance):
    incident = opened(instance)
    supervisor.post(f"/attention/{incident.pk}/acknowledge/", {"note": "a"})
    signed_in(SUPERVISOR, "bia").post(f"/attention/{incident.pk}/acknowledge/", {"note": "b"})
    incident.refresh_from_db()
    assert (str(incident.acknowledged_by), incident.note) == ("ana", "b")


def test_page_without_problems_lists_recently_solved_ones(supervisor, instance):
    now = timezone.now()
    opened(
        instance,
        opened_at=now - timedelta(minutes=42),
        resolved_at=now,
        acknowledged_at=now,
        acknowledged_by=User.objects.get(),
    )
    page = text_of(supervisor.get("/attention/"))
    assert "42 min" in page
    assert '<td data-label="Worked on by">' in page
    assert "No open problems" in page


def test_instance_list_says_why_a_connected_instance_is_silent(supervisor, instance):
    Instance.objects.update(connected=True)
    opened(instance, IncidentKind.SILENT, values={"silence": 7800, "usual": 600})
    page = text_of(supervisor.get("/instances/"))
    assert "No callbacks for 2 h 10 min (usual at this time: 10 min)." in page


def test_web_process_reports_a_missing_worker(supervisor):
    WorkerBeat.objects.update(beat_at=timezone.now() - 2 * ABSENT_AFTER)
    assert "No worker is running" in text_of(supervisor.get("/"))
    assert "manage.py worker" in text_of(supervisor.get("/attention/"))


def test_missing_worker_can_be_acknowledged(supervisor):
    WorkerBeat.objects.update(beat_at=timezone.now() - 2 * ABSENT_AFTER)
    incident = opened(None, IncidentKind.NO_WORKER)
    supervisor.post(f"/attention/{incident.pk}/acknowledge/")
    assert "data-count" not in text_of(supervisor.get("/"))
    assert text_of(supervisor.get("/attention/")).count("No worker is running") > 0


def test_returned_worker_is_not_reported_before_resolution(supervisor):
    opened(None, IncidentKind.NO_WORKER)
    assert "No worker is running" not in text_of(supervisor.get("/attention/"))


def test_incidents_are_sorted_by_severity(supervisor, instance):
    kinds = (IncidentKind.EXPIRING, IncidentKind.QUARANTINE, IncidentKind.DISCONNECTED)
    for kind in kinds:
        opened(instance, kind, values={"days": 3, "count": 1})
    for page in map(text_of, (supervisor.get("/attention/"), supervisor.get("/"))):
        places = [page.find(words) for words in ("is disconnected", "Rejected callbacks")]
        assert -1 < places[0] < places[1]


PLACES = [
    (IncidentKind.STUCK, "/?view=stuck&amp;instance={}&amp;period=24h"),
    (IncidentKind.FAILING, "/?view=failed&amp;instance={}&amp;period=24h"),
    (IncidentKind.QUARANTINE, "/quarantine/?instance={}"),
    (IncidentKind.FORWARDING, "/instances/{}/forwarding/"),
    (IncidentKind.WEBHOOK, "/instances/{}/#webhook"),
    (IncidentKind.EXPIRING, "/instances/{}/"),
]


@pytest.mark.parametrize(("kind", "place"), PLACES)
def test_incident_links_to_its_page(instance, kind, place):
    opened(instance, kind, values={"count": 3, "failed": 3, "sent": 3, "days": 3})
    admin = signed_in(ADMIN)
    address = place.format(instance.pk)
    assert f'<h3><a href="{address}">' in text_of(admin.get("/attention/"))
    assert admin.get(unescape(address).partition("#")[0]).status_code == 200


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (IncidentKind.SPOOL, "/health/"),
        (IncidentKind.WORKER, "/attention/workers/"),
        (IncidentKind.CHANNEL, "/attention/channels/"),
        (IncidentKind.DEAF, "/instances/"),
    ],
)
def test_incident_without_instance_links_to_its_page(db, kind, place):
    opened(None, kind, place="somewhere", values={"count": 3, "of": 4})
    assert f'<h3><a href="{place}">' in text_of(signed_in(ADMIN).get("/attention/"))


def test_link_without_permission_leads_to_the_instance(supervisor, instance):
    opened(instance, IncidentKind.QUARANTINE, values={"count": 1})
    assert f'<h3><a href="/instances/{instance.pk}/">' in text_of(supervisor.get("/attention/"))


def test_worker_that_only_drains_counts_as_missing(supervisor):
    WorkerBeat.objects.update(only="drain")
    assert "No worker is running" in text_of(supervisor.get("/"))


def test_new_process_does_not_report_a_missing_worker(supervisor, monkeypatch):
    WorkerBeat.objects.all().delete()
    monkeypatch.setattr(incident_counts, "began", float("inf"))
    assert "No worker is running" not in text_of(supervisor.get("/"))


def test_workers_page_lists_workers_and_jobs(supervisor):
    now = timezone.now()
    WorkerBeat.objects.update(
        jobs={
            "drain": {"ran_at": now.isoformat(), "took": 0.25, "failed_at": "", "problem": ""},
            "notify": {
                "ran_at": "",
                "took": 0.0,
                "failed_at": now.isoformat(),
                "problem": "OperationalError",
            },
        }
    )
    page = text_of(supervisor.get("/attention/workers/"))
    assert "Running" in page
    assert "0.25 s" in page
    assert "OperationalError" in page


def test_incident_page_query_count_is_fixed(supervisor, instance, django_assert_num_queries):
    for number in range(20):
        other = Instance.objects.create(
            account=instance.account, name=f"N{number}", zapi_id=str(number)
        )
        opened(other)
        opened(other, resolved_at=timezone.now())
    supervisor.get("/attention/")
    # three queries are for the instances and their stuck messages
    with django_assert_num_queries(16):
        supervisor.get("/attention/")


def test_other_pages_query_nothing_without_incidents(supervisor, django_assert_num_queries):
    incident_counts.freeze(Counts())
    supervisor.get("/attention/banner/")
    with django_assert_num_queries(2):
        supervisor.get("/attention/banner/")


class TestThresholds:
    FORM = {
        "stuck_after": "60",
        "unconfirmed_after": "10",
        "silence_factor": "3",
        "silence_floor": "15",
        "failing_percent": "20",
    }

    def test_changed_thresholds_are_saved_and_audited(self, instance):
        signed_in(ADMIN).post(f"/instances/{instance.pk}/thresholds/", self.FORM)
        instance.refresh_from_db()
        assert instance.stuck_after == 60
        event = AuditEvent.objects.get(action="instance changed")
        assert event.details == {"changed": ["stuck_after"]}

    @pytest.mark.parametrize(
        "wrong", [{"stuck_after": "0"}, {"silence_factor": "0.5"}, {"failing_percent": "101"}]
    )
    def test_invalid_threshold_is_refused(self, instance, wrong):
        path = f"/instances/{instance.pk}/thresholds/"
        page = text_of(signed_in(ADMIN).post(path, self.FORM | wrong))
        assert 'class="errorlist"' in page
