"""What Z-API calls, read back: once, or for ever by the worker. Changes nothing at Z-API."""

import logging
import random
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messages.models import Account, Instance, Webhook, WebhookKind
from messages.models.due import Waits, is_due_after
from messages.zapi.client import (
    ConnectionStatus,
    ListedInstance,
    Me,
    PartnerClient,
    ZapiClient,
    ZapiError,
)
from messages.zapi.errors import Problem
from statusboard.databases import is_away

from .call_budget import INSTANCES_A_TURN, LEASE, is_free, room_for
from .rotation import retire_when_over
from .sync import FAILURES, client_of, note, note_failure, webhooks_of

logger = logging.getLogger(__name__)

MAX_WAIT = timedelta(hours=6)
# A turn ends after this, in seconds, however slow Z-API is: other accounts wait.
MAX_LEASE_SECONDS = 60

NOT_LISTED = Problem(
    _(
        "Z-API’s list of this account’s instances does not name this one: it was deleted there, or "
        "it belongs to another account."
    ),
    permanent=True,
)


def verify(instance: Instance, kind: str = WebhookKind.MESSAGE_STATUS) -> Webhook:
    """Read back what Z-API calls, for all kinds; gives the webhook of one."""
    check(instance)
    webhook = instance.webhooks.get(kind=kind)
    webhook.instance = instance
    return webhook


def check(instance: Instance) -> bool:
    """Ask /me and /status, write down what they tell, and plan the next time.

    Gives whether they told anything. A push that is due stays so.
    """
    asked_at = timezone.now()
    try:
        client = client_of(instance)
        me = client.me()
    except FAILURES as error:
        _note_failure(instance, error, asked_at)
        return False
    _note(instance, me, _connection(client, me), asked_at=asked_at)
    return True


def verify_due(stop: threading.Event | None = None) -> int:
    """Give each account that has something due its turn. Workers may do so side by side."""
    done = 0
    while not (stop and stop.is_set()) and (account := _claim()):
        lease = account.next_turn_at
        asked = _take_turn(account, stop)
        Account.objects.filter(pk=account.pk, next_turn_at=lease).update(
            next_turn_at=timezone.now() + room_for(max(asked, 1))
        )
        done += asked
    return done


def _connection(client: ZapiClient, me: Me) -> ConnectionStatus:
    with suppress(ZapiError):
        return client.status()
    return me.connection


def _due(now: datetime) -> QuerySet[Instance]:
    is_due = is_due_after("next_check_at", now, _waits(), "failed_checks")
    return Instance.objects.active().filter(is_due).order_by("next_check_at", "pk")


def _claim() -> Account | None:
    """Take an account whose turn it is, out of the other workers' sight."""
    now = timezone.now()
    waiting = Account.objects.filter(
        Exists(_due(now).filter(account=OuterRef("pk"))), is_free("next_turn_at", now)
    ).order_by("next_turn_at", "pk")
    # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
    if not waiting.exists():
        return None
    with transaction.atomic():
        account = waiting.select_for_update(skip_locked=True, of=("self",)).first()
        if account:
            account.next_turn_at = now + LEASE
            account.save(update_fields=["next_turn_at"])
    return account


def _take_turn(account: Account, stop: threading.Event | None) -> int:
    done = 0
    if account.partner_token:
        with suppress(*FAILURES):
            done = _sweep(account)
    # Each instance that the list did not tell enough of is asked by itself.
    ends_at = time.monotonic() + MAX_LEASE_SECONDS
    for instance in _due(timezone.now()).filter(account=account)[:INSTANCES_A_TURN]:
        if time.monotonic() > ends_at or (stop and stop.is_set()):
            break
        instance.account = account
        with _in_nobodys_way(instance):
            check(instance)
        done += 1
    return done


@contextmanager
def _in_nobodys_way(instance: Instance) -> Iterator[None]:
    """An instance that we stumble over must not keep us from the others."""
    try:
        yield
    except Exception as error:
        if is_away(error):
            raise
        logger.exception("Instance %s could not be verified.", instance.pk)
        _put_off(instance)


def _sweep(account: Account) -> int:
    """All of an account's instances from its partner's list. Raises what FAILURES names.

    An instance stays due where the list does not name each URL that is wanted.
    """
    asked_at = timezone.now()
    listed = {one.zapi_id: one for one in _list(account)}
    instances = list(account.instances.active().prefetch_related("webhooks"))
    for instance in instances:
        instance.account = account
        with _in_nobodys_way(instance):
            if found := listed.get(instance.zapi_id):
                _note_listed(instance, found.me, asked_at)
            else:
                _note_failure(instance, ZapiError(NOT_LISTED), asked_at)
    return len(instances)


def _list(account: Account) -> Iterable[ListedInstance]:
    return PartnerClient(account.partner_token.reveal()).instances()


def _note_listed(instance: Instance, me: Me, asked_at: datetime) -> None:
    wanted = [one.kind for one in webhooks_of(instance).values() if one.is_wanted]
    write_down = _note if all(map(me.names_url_of, wanted)) else note
    write_down(instance, me, me.connection, asked_at=asked_at)


def _note(instance: Instance, me: Me, connection: ConnectionStatus, *, asked_at: datetime) -> None:
    note(instance, me, connection, asked_at=asked_at)
    instance.failed_checks = 0
    _plan(instance)
    retire_when_over(instance, me)


def _note_failure(instance: Instance, error: Exception, asked_at: datetime) -> None:
    webhooks_of(instance)
    note_failure(instance, error, asked_at=asked_at)
    _put_off(instance)


def _put_off(instance: Instance) -> None:
    instance.failed_checks = min(instance.failed_checks + 1, 100)
    _plan(instance)


def _plan(instance: Instance) -> None:
    """The next time, not at the same moment as all the others; later and later while in vain."""
    longest = _waits().at_most(instance.failed_checks)
    jitter = random.uniform(2 / 3, 1)  # noqa: S311  (no secret)
    instance.next_check_at = timezone.now() + longest * jitter
    instance.save(update_fields=["failed_checks", "next_check_at"])


def _waits() -> Waits:
    """The longest ones: a fifth more than what is usual, as `_plan` takes up to a third away."""
    every = 1.2 * timedelta(minutes=settings.VERIFY_EVERY_MINUTES)
    return Waits(lease=every, first=2 * every, longest=max(every, 1.2 * MAX_WAIT))
