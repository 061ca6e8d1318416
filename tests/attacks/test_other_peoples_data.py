"""A user limited to one instance requests every URL with ids of another instance."""

import re

import pytest
from django.urls import reverse

from messages.models import Action, AuditEvent, Webhook
from tests.accounts.routes import OWN_ROUTES
from tests.attacks.pages import ask
from tests.attacks.tables import PK, ROW_ID, fill_every_table
from tests.plugins.pages import HttpsClient

MARK = "of-the-other-instance"
NAMES_A_ROW = re.compile(r"<(int|uuid):")
# Pages of rows that belong to no instance, only for admins.
BOARD_WIDE = re.compile(r"dashboard:channel")


@pytest.fixture
def _another_instance(admin_user):
    fill_every_table(MARK, admin_user, board_wide="x")


@pytest.mark.usefixtures("_another_instance")
@pytest.mark.parametrize("method", ["get", "post"])
def test_limited_user_cannot_open_rows_of_another_instance(limited_client, method):
    opened = {
        route.name: answer.status
        for route in OWN_ROUTES
        if NAMES_A_ROW.search(route.pattern)
        and route.name.startswith(("dashboard:", "api:"))
        and not BOARD_WIDE.match(route.name)
        and not (answer := ask(limited_client, route, method)).is_refused
    }
    assert not opened


@pytest.mark.usefixtures("_another_instance")
@pytest.mark.parametrize("method", ["get", "post"])
def test_limited_user_sees_nothing_of_another_instance_on_any_page(limited_client, method):
    showing = [
        route.name
        for route in OWN_ROUTES
        if MARK.encode() in ask(limited_client, route, method).body
    ]
    assert not showing


ADMIN_MODELS = {"message": PK, "callback": ROW_ID, "instance": PK, "account": PK}


@pytest.fixture
def limited_staff(limited_user):
    limited_user.is_staff = True
    limited_user.save()
    client = HttpsClient()
    client.force_login(limited_user)
    return client


@pytest.mark.usefixtures("_another_instance")
@pytest.mark.parametrize("model", ADMIN_MODELS)
def test_limited_staff_see_nothing_of_another_instance_in_django_admin(
    limited_staff, admin_client, model
):
    row = reverse(f"admin:whatsapp_{model}_change", args=[ADMIN_MODELS[model]])
    pages = [reverse(f"admin:whatsapp_{model}_changelist"), row]
    assert MARK not in "".join(limited_staff.get(page, follow=True).text for page in pages)
    assert all(MARK in admin_client.get(page).text for page in pages)  # unlimited users see the row


@pytest.mark.usefixtures("_another_instance")
def test_limited_staff_cannot_push_webhooks_of_another_instance_in_django_admin(limited_staff):
    fields = {"action": "push_webhook", "_selected_action": [PK]}
    limited_staff.post(reverse("admin:whatsapp_instance_changelist"), fields)
    assert not AuditEvent.objects.filter(action=Action.WEBHOOK_PUSHED).exists()
    assert not Webhook.objects.exclude(pk=PK).exists()


@pytest.mark.usefixtures("_another_instance")
def test_unlimited_user_sees_every_instance(admin_client):
    """Without this, the tests above would also pass on empty pages."""
    showing = [r.name for r in OWN_ROUTES if MARK.encode() in ask(admin_client, r).body]
    assert {"dashboard:messages", "dashboard:message", "dashboard:instance"} <= set(showing)
