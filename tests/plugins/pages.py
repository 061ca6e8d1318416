"""Fixtures for users, and for callbacks that create messages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from messages.accounts.roles import ADMIN, SUPERVISOR, SUPPORT
from messages.models import Message

Report = Callable[..., Message]


class HttpsClient(Client):
    """A test client that uses HTTPS, as in PUBLIC_BASE_URL."""

    def generic(self, *args: Any, **options: Any) -> Any:
        return super().generic(*args, **options | {"secure": True})


@pytest.fixture
def client() -> Client:
    return HttpsClient()


@pytest.fixture
def admin_client(admin_user: User) -> Client:
    client = HttpsClient()
    client.force_login(admin_user)
    return client


@pytest.fixture
def admin(client: Client, db: None) -> User:
    """A signed-in user with the Admin role who is not a superuser."""
    user = User.objects.create_user("admin")
    user.groups.add(Group.objects.get(name=ADMIN))
    client.force_login(user)
    return user


@pytest.fixture
def support(db: None) -> User:
    """A user with the Support role: may only see messages and their recipients."""
    user = User.objects.create_user("support", "support@example.com", "a-long-password")
    user.groups.add(Group.objects.get(name=SUPPORT))
    return user


@pytest.fixture
def viewer(client: Client, support: User) -> Client:
    client.force_login(support)
    return client


@pytest.fixture
def masked_viewer(db: None) -> Client:
    """A user who may see messages, but no full phone numbers."""
    user = User.objects.create_user("masked", "masked@example.com", "a-long-password")
    user.user_permissions.add(Permission.objects.get(codename="view_message"))
    client = HttpsClient()
    client.force_login(user)
    return client


@pytest.fixture
def report(post: Callable[..., Any]) -> Report:
    """Post the steps of one message, one second apart, and return the message."""

    def send(*statuses: str, id: str = "3EB0A1", minutes_ago: int = 10, **fields: Any) -> Message:  # noqa: A002
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes_ago)
        for number, status in enumerate(statuses):
            moment = int((start + timedelta(seconds=number)).timestamp() * 1000)
            payload = {
                "type": "MessageStatusCallback",
                "status": status,
                "ids": [id],
                "momment": moment,
                "phone": "5544999999999",
            }
            assert post(payload | fields).status == 200
        return Message.objects.get(zapi_id=id)

    return send


@pytest.fixture
def deliver(post: Callable[..., Any]) -> Report:
    """Post a DeliveryCallback: dispatched by Z-API or, with an `error`, failed."""

    def send(id: str = "3EB0A1", **fields: Any) -> Message:  # noqa: A002
        payload = {
            "type": "DeliveryCallback",
            "messageId": id,
            "zaapId": f"Z{id}",
            "momment": int(datetime.now(UTC).timestamp() * 1000),
            "phone": "5544999999999",
        }
        assert post(payload | fields).status == 200
        return Message.objects.get(zapi_id=id)

    return send


@pytest.fixture
def many(instance):
    """120 messages; several have the same time."""
    start = datetime.now(UTC) - timedelta(hours=1)
    Message.objects.bulk_create(
        Message(
            instance=instance,
            zapi_id=f"M{n:03}",
            rank=30,
            phone="5544999999999",
            is_group=False,
            inbound=False,
            first_heard_at=start + timedelta(seconds=n // 7),
            started_at=start,
            last_event_at=start,
        )
        for n in range(120)
    )


def shown(page) -> list[str]:
    """The ids of the messages on a page, from top to bottom."""
    return [row.message.zapi_id for row in page.context["rows"]]


@pytest.fixture
def supervisor(db: None) -> User:
    user = User.objects.create_user("super", "super@example.com", "a-long-password")
    user.groups.add(Group.objects.get(name=SUPERVISOR))
    return user


@pytest.fixture
def taker(client: Client, supervisor: User) -> Client:
    client.force_login(supervisor)
    return client
