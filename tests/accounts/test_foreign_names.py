"""A user limited to one instance never sees the name or id of another instance."""

import json

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.utils import timezone

from messages.accounts.api_keys import issue
from messages.incidents.detect import detect
from messages.incidents.incident_counts import incident_counts
from messages.models import (
    ApiKey,
    Callback,
    Channel,
    ChannelKind,
    Incident,
    IncidentKind,
    Instance,
    UserLimit,
)
from messages.notifications.delivery_lines import notify
from messages.notifications.notification_queue import enqueue
from tests.plugins.pages import HttpsClient

PAGES = ["/", "/attention/", "/quarantine/", "/health/", "/instances/"]
API = ["/api/v1/incidents/", "/api/v1/instances/"]
FOREIGN = ["Secret client", "secret-id"]


@pytest.fixture
def other(account):
    return Instance.objects.create(
        account=account, name="Secret client", zapi_id="secret-id", token="t"
    )


@pytest.fixture
def limited(instance, db):
    user = User.objects.create_user("limited", is_staff=True)
    user.groups.add(Group.objects.get(name="Admin"))
    UserLimit.objects.create(user=user, instance=instance)
    client = HttpsClient()
    client.force_login(user)
    return client


@pytest.fixture
def limited_key(instance):
    text = issue(ApiKey(name="limited", role="admin"), instances=[instance], by=None)
    return HttpsClient(headers={"authorization": f"Bearer {text}"})


@pytest.fixture
def stranger(post, other, zapi):
    """A callback about the other instance, sent to the webhook of the visible instance."""
    body = {"type": "MessageStatusCallback", "status": "SENT", "ids": ["X"], "phone": "5511"}
    post(body | {"instanceId": other.zapi_id})
    detect(enqueue)
    incident_counts.refresh()
    return Callback.objects.quarantined().get()


def foreign_in(client, path):
    text = client.get(path).text
    return [one for one in FOREIGN if one in text]


def test_incident_hides_instances_outside_the_users_limits(limited, limited_key, stranger):
    assert Incident.objects.filter(kind=IncidentKind.STRANGER).exists()
    for path in PAGES + API:
        assert not foreign_in(limited, path), path
    assert "another instance" in limited.get("/attention/").text
    for path in API:
        assert not foreign_in(limited_key, path), path


def test_unlimited_user_sees_the_other_instances_name(admin_client, stranger):
    assert foreign_in(admin_client, "/attention/") == ["Secret client"]
    assert foreign_in(admin_client, f"/quarantine/{stranger.pk}/") == ["secret-id"]


def test_user_limited_to_both_instances_sees_the_name(limited, other, stranger):
    UserLimit.objects.create(user=User.objects.get(username="limited"), instance=other)
    assert foreign_in(limited, "/attention/") == ["Secret client"]
    assert foreign_in(limited, f"/quarantine/{stranger.pk}/") == ["secret-id"]


def test_quarantined_callback_hides_the_other_instance_from_limited_user(limited, stranger):
    page = limited.get(f"/quarantine/{stranger.pk}/")
    assert page.status_code == 200
    assert "about an instance that you cannot see" in page.text
    assert not [one for one in FOREIGN if one in page.text]
    path = f"/admin/whatsapp/callback/{stranger.pk}/change/"
    assert not [one for one in FOREIGN if one in limited.get(path, follow=True).text]


def test_resolved_incident_without_a_key_shows_no_name(limited, instance):
    now = timezone.now()
    values = {"count": 1, "named": "Secret client"}
    times = {"opened_at": now, "last_seen_at": now, "resolved_at": now}
    Incident.objects.create(kind=IncidentKind.STRANGER, instance=instance, values=values, **times)
    for path in ("/attention/", "/api/v1/incidents/"):
        assert not foreign_in(limited, path)


@pytest.mark.usefixtures("zapi")
@pytest.mark.parametrize("is_limited", [True, False])
def test_limited_channel_receives_no_other_instances_name(
    settings, instance, other, post, is_limited
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    channel = Channel.objects.create(
        name="C", kind=ChannelKind.EMAIL, address="a@example.com", next_at=timezone.now()
    )
    if is_limited:
        channel.instances.add(instance)
    post({"type": "ReadCallback", "instanceId": other.zapi_id})
    detect(enqueue)
    notify()
    assert ("Secret client" in "".join(str(one.body) for one in mail.outbox)) is not is_limited


@pytest.mark.parametrize("kind", IncidentKind)
def test_limited_user_sees_no_incident_of_another_instance(limited, limited_key, other, kind):
    now = timezone.now()
    values = {
        "count": 3,
        "of": 4,
        "sent": 3,
        "failed": 2,
        "hooks": [],
        "silence": 60,
        "usual": 60,
        "named": "Secret client",
        "reason": "Secret client",
        "problem": "",
    }
    for row in ({"instance": other}, {"place": "Secret client"}):
        Incident.objects.create(kind=kind, values=values, opened_at=now, last_seen_at=now, **row)
    incident_counts.refresh()
    for path in PAGES + API:
        assert not foreign_in(limited, path), path
    for path in API:
        assert not foreign_in(limited_key, path), path


def test_instance_page_hides_other_instances_with_the_same_client_token(limited, instance, other):
    assert not foreign_in(limited, f"/instances/{instance.pk}/")


def test_unlimited_user_sees_instances_with_the_same_client_token(admin_client, instance, other):
    assert foreign_in(admin_client, f"/instances/{instance.pk}/") == ["Secret client"]


def test_unlimited_user_sees_the_complete_callback_body(admin_client, stranger):
    assert json.loads(bytes(stranger.body))["instanceId"] == "secret-id"
    assert "instanceId" in admin_client.get(f"/quarantine/{stranger.pk}/").text
