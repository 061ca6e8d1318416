"""An open tab shows new incidents without a reload."""

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import expect

from messages.accounts.roles import SUPERVISOR
from messages.incidents.incident_counts import incident_counts
from messages.models import Incident, IncidentKind, WorkerBeat

pytestmark = pytest.mark.browser


@pytest.fixture
def supervisor(support):
    support.groups.add(Group.objects.get(name=SUPERVISOR))
    return support


@pytest.fixture(autouse=True)
def _a_worker_runs(board):
    now = timezone.now()
    WorkerBeat.objects.create(host="one", pid=7, started_at=now, beat_at=now)
    incident_counts.refresh()


@pytest.fixture
def disconnected(instance):
    def lose() -> Incident:
        now = timezone.now()
        incident = Incident.objects.create(
            kind=IncidentKind.DISCONNECTED, instance=instance, opened_at=now, last_seen_at=now
        )
        incident_counts.refresh()
        return incident

    return lose


def test_open_tab_shows_and_clears_an_incident_in_title_icon_and_banner(
    open_page, supervisor, disconnected
):
    page = open_page(supervisor)
    page.clock.install()
    page.goto("/attention/workers/")
    incident = disconnected()
    page.clock.run_for(16_000)
    expect(page).to_have_title("(1) Workers · Statusboard")
    favicon = page.locator("link[rel=icon]")
    expect(favicon).to_have_attribute("href", "/static/img/favicon-alert.svg")
    expect(page.get_by_role("region", name="Needs attention")).to_contain_text("Atendimento")
    incident.delete()
    incident_counts.refresh()
    page.clock.run_for(16_000)
    expect(page).to_have_title("Workers · Statusboard")
    expect(favicon).to_have_attribute("href", "/static/img/favicon.svg")


def test_banner_without_news_keeps_the_focus_on_its_link(
    open_page, supervisor, instance, disconnected
):
    instance.name = "Ana's"
    instance.save()
    disconnected()
    page = open_page(supervisor)
    page.clock.install()
    page.goto("/attention/workers/")
    link = page.get_by_role("link", name="Ana's is disconnected")
    link.focus()
    with page.expect_response("**/attention/banner/"):
        page.clock.run_for(16_000)
    page.clock.run_for(1_000)
    expect(link).to_be_focused()
