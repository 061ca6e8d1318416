"""Limits for pages that call other servers: concurrency, duration, and calls per user."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from messages.models import Action, AuditEvent, Batch, Channel, Throttle, WebhookState
from statusboard import page_network
from tests.plugins.pages import HttpsClient
from tests.waiting import wait_until

LOOK_UP = reverse("dashboard:look-up")
BUSY = "The server is busy waiting for other servers"
TOO_OFTEN = "Too many requests to other servers"


class SilentServer:
    """Takes every connection and never answers."""

    def __init__(self) -> None:
        self.calls: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                self.calls.append(self._listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for call in self.calls:
            call.close()


@pytest.fixture
def silent(settings: Any) -> Iterator[SilentServer]:
    server = SilentServer()
    settings.ZAPI_BASE_URL, settings.FORWARD_ALLOW_PRIVATE = server.url, True
    yield server
    server.close()
    free_again()


def free_again() -> None:
    """Wait until no page of an earlier test holds a slot."""

    def is_free() -> bool:
        try:
            with page_network.limited(lambda: None):
                page_network.call(lambda: None)
        except page_network.BusyError:
            return False
        return True

    wait_until(is_free, "a page still holds a slot")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_network, "MAX_SECONDS", 0.3)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use every slot with a page that waits for another server."""
    monkeypatch.setattr(page_network, "MAX_SECONDS", 600)
    inside, over = threading.Barrier(page_network.MAX_PAGES + 1), threading.Event()

    def hold() -> None:
        inside.wait()
        over.wait()

    def wait() -> None:
        with page_network.limited(lambda: None):
            page_network.call(hold)

    pages = [threading.Thread(target=wait) for _ in range(page_network.MAX_PAGES)]
    for page in pages:
        page.start()
    inside.wait(60)
    yield
    over.set()
    for page in pages:
        page.join()
    free_again()


@pytest.fixture
def boss(db: None) -> Any:
    client = HttpsClient()
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def channel(silent: SilentServer) -> Channel:
    return Channel.objects.create(name="Hook", kind="webhook", address=silent.url, secret="s")


@pytest.fixture
def acts(instance: Any, channel: Channel) -> dict[str, tuple[str, dict[str, Any]]]:
    """Everything that a person can click and that calls another server."""
    instance.key_version, instance.key_rotated_at = 2, timezone.now() - timedelta(days=1)
    instance.taken_urls = {"received": "https://crm.example.com/"}
    instance.save()
    instance.webhooks.create(
        kind="delivery", previous_url="https://crm.example.com/", state=WebhookState.IN_SYNC
    )

    def url(name: str, *more: Any) -> str:
        return reverse(f"dashboard:instance-{name}", args=[instance.pk, *more])

    sure = {"confirmed": "1"}
    return {
        "look-up": (LOOK_UP, {"phone": "5544999999999", "instance": instance.pk}),
        "restore": (url("webhook", "delivery"), sure | {"action": "restore"}),
        "restore-others": (url("restore-others"), sure),
        "retire": (url("retire"), sure),
        "every": (url("every"), {"forward": "on"}),
        "archive": (url("archive"), {"confirmed": "first"}),
        "import": (
            reverse("dashboard:instance-import"),
            {"source": "partner", "name": "Loja", "partner_token": "partner-token"},
        ),
        "channel-test": (reverse("dashboard:channel-test", args=[channel.pk]), {}),
    }


ACTS = (
    *("look-up", "restore", "restore-others", "retire", "every", "archive", "import"),
    "channel-test",
)


@pytest.mark.parametrize("name", ACTS)
def test_page_stops_waiting_for_a_silent_server_in_time(boss, acts, silent, short, name):
    path, fields = acts[name]
    began = time.monotonic()
    answer = boss.post(path, fields)
    assert answer.status_code in {200, 302}
    assert silent.calls
    # Without the time limit of pages, the call would wait for READ_TIMEOUT: 10 or 15 seconds.
    assert time.monotonic() - began < 10, "it waited for longer than a page may"


@pytest.mark.parametrize("name", ACTS)
def test_page_that_calls_a_server_is_refused_while_all_slots_are_busy(
    boss, acts, silent, busy, name
):
    path, fields = acts[name]
    answer = boss.post(path, fields, follow=True)
    assert BUSY in answer.text
    assert not silent.calls


def test_get_of_a_page_that_calls_a_server_is_refused_while_busy(boss, instance, silent, busy):
    path = reverse("dashboard:instance-every", args=[instance.pk])
    itself = {"referer": f"https://testserver{path}"}
    assert BUSY in boss.get(path, headers=itself, follow=True).text
    assert not silent.calls


@pytest.mark.parametrize("name", ["push", "verify"])
def test_push_and_verify_can_be_queued_while_all_slots_are_busy(boss, instance, silent, busy, name):
    answer = boss.post(reverse(f"dashboard:instance-{name}", args=[instance.pk]), follow=True)
    assert answer.status_code == 200
    assert BUSY not in answer.text
    assert not silent.calls


def test_verify_redirects_to_the_page_of_its_batch(boss, instance, zapi):
    answer = boss.post(reverse("dashboard:instance-verify", args=[instance.pk]))
    batch = Batch.objects.get()
    assert answer["Location"] == reverse("dashboard:instance-batch", args=[batch.pk])


def test_slot_stays_busy_until_a_timed_out_call_ends(short):
    over = threading.Event()
    for _ in range(page_network.MAX_PAGES):
        with page_network.limited(lambda: None), pytest.raises(TimeoutError):
            page_network.call(lambda: over.wait(60))
    with page_network.limited(lambda: None), pytest.raises(page_network.BusyError):
        page_network.call(lambda: None)
    over.set()
    free_again()


def ask(client: Any, instance: Any, times: int) -> list[str]:
    fields = {"phone": "5544999999999", "instance": instance.pk}
    return [client.post(LOOK_UP, fields, follow=True).text for _ in range(times)]


def test_user_can_call_other_servers_ten_times_a_minute(boss, instance, zapi, monkeypatch):
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now)
    answers = ask(boss, instance, 15)
    assert [TOO_OFTEN in answer for answer in answers] == [False] * 10 + [True] * 5
    assert len(zapi.calls) == 10


def test_user_can_call_other_servers_again_after_waiting(boss, instance, zapi):
    ask(boss, instance, 10)
    Throttle.objects.update(free_at=int((time.time() - 1) * 1000))
    assert TOO_OFTEN not in ask(boss, instance, 1)[0]


def test_each_user_has_a_separate_call_limit(boss, instance, zapi):
    ask(boss, instance, 11)
    other = HttpsClient()
    other.force_login(User.objects.create_superuser("other"))
    assert TOO_OFTEN not in ask(other, instance, 1)[0]


def test_refused_calls_are_audited_up_to_a_limit(boss, instance, zapi):
    ask(boss, instance, 40)
    events = AuditEvent.objects.filter(action=Action.CALLS_REFUSED)
    assert {event.actor_name for event in events} == {"boss"}
    assert events.count() == 10
    assert events[0].details["page"] == "dashboard:look-up"


def test_refused_call_redirects_back_to_the_referring_page(boss, instance, busy):
    page = "https://testserver/?q=5544999999999"
    fields = {"phone": "5544999999999", "instance": instance.pk}
    assert boss.post(LOOK_UP, fields, headers={"referer": page})["Location"] == page
    elsewhere = {"referer": "https://evil.example/"}
    assert boss.post(LOOK_UP, fields, headers=elsewhere)["Location"] == "/"
