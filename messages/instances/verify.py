"""Check which URLs Z-API calls, once or regularly by the worker. Changes nothing at Z-API."""

import logging
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from messages.domain.problems import Problem
from messages.models import Account, Instance, Webhook, WebhookKind
from messages.models.due import Waits, is_due_after
from messages.zapi.client import (
    ConnectionStatus,
    Me,
    PartnerClient,
    ZapiError,
)
from statusboard.databases import is_away

from .call_budget import INSTANCES_PER_PERIOD, LEASE, cost_of, has_budget
from .rotation import retire_after_overlap
from .sync import FAILURES, Observed, client_of, save_observed, webhooks_of

logger = logging.getLogger(__name__)

MAX_WAIT = timedelta(hours=6)
# Stop after this many seconds, however slow Z-API is: other accounts are waiting.
MAX_LEASE_SECONDS = 60


def verify(instance: Instance, kind: str = WebhookKind.MESSAGE_STATUS) -> Webhook:
    """Check all webhooks of the instance and return the one of this kind."""
    check(instance)
    webhook = instance.webhooks.get(kind=kind)
    webhook.instance = instance
    return webhook


def check(instance: Instance) -> bool:
    """Call /me and /status, save the answers and schedule the next check.

    Return whether Z-API answered. A push that is due stays due.
    """
    asked_at, connection = timezone.now(), None
    observed: Observed
    try:
        client = client_of(instance)
        observed = client.me()
        with suppress(ZapiError):
            connection = client.status()
    except FAILURES as error:
        observed = error
    _record(instance, observed, asked_at, connection)
    return isinstance(observed, Me)


def verify_due(stop: threading.Event | None = None) -> int:
    """Check the accounts that are due. Several workers can do this at the same time."""
    done = 0
    while not (stop and stop.is_set()) and (account := _claim()):
        lease = account.next_turn_at
        asked = _check_account(account, stop)
        Account.objects.filter(pk=account.pk, next_turn_at=lease).update(
            next_turn_at=timezone.now() + cost_of(max(asked, 1))
        )
        done += asked
    return done


def _due(now: datetime) -> QuerySet[Instance]:
    is_due = is_due_after("next_check_at", now, _waits(), "failed_checks")
    return Instance.objects.active().filter(is_due).order_by("next_check_at", "pk")


def _claim() -> Account | None:
    """Take an account that is due, and hide it from other workers."""
    now = timezone.now()
    waiting = Account.objects.filter(
        Exists(_due(now).filter(account=OuterRef("pk"))), has_budget("next_turn_at", now)
    ).order_by("next_turn_at", "pk")
    with waiting.claim() as accounts:
        for account in accounts:
            account.next_turn_at = now + LEASE
            account.save(update_fields=["next_turn_at"])
    return accounts[0] if accounts else None


def _check_account(account: Account, stop: threading.Event | None) -> int:
    done = 0
    if account.partner_token:
        with suppress(*FAILURES):
            done = _check_from_list(account)
    # Check each instance that the list did not fully describe.
    ends_at = time.monotonic() + MAX_LEASE_SECONDS
    for instance in _due(timezone.now()).filter(account=account)[:INSTANCES_PER_PERIOD]:
        if time.monotonic() > ends_at or (stop and stop.is_set()):
            break
        instance.account = account
        with _failures_logged(instance):
            check(instance)
        done += 1
    return done


@contextmanager
def _failures_logged(instance: Instance) -> Iterator[None]:
    """Log and postpone an instance whose check fails, so that the others are checked."""
    try:
        yield
    except Exception as error:
        if is_away(error):
            raise
        logger.exception("Instance %s could not be verified.", instance.pk)
        _postpone(instance)


def _check_from_list(account: Account) -> int:
    """Check all instances of an account with one call: the partner's list of instances.

    Raises one of FAILURES. An instance stays due if the list does not contain every wanted URL.
    """
    asked_at = timezone.now()
    listed = {
        one.zapi_id: one.me for one in PartnerClient(account.partner_token.reveal()).instances()
    }
    instances = list(account.instances.active().prefetch_related("webhooks"))
    for instance in instances:
        instance.account = account
        with _failures_logged(instance):
            me = listed.get(instance.zapi_id)
            wanted = (one.kind for one in webhooks_of(instance).values() if one.is_wanted)
            if me and not me.webhook_urls.keys() >= set(wanted):
                save_observed(instance, me, asked_at=asked_at)
            else:
                _record(instance, me or ZapiError(Problem.NOT_LISTED), asked_at)
    return len(instances)


def _record(
    instance: Instance,
    observed: Observed,
    asked_at: datetime,
    connection: ConnectionStatus | None = None,
) -> None:
    """Save what was found, and schedule the next check."""
    save_observed(instance, observed, asked_at=asked_at, connection=connection)
    if isinstance(observed, Me):
        instance.failed_checks = 0
        _schedule_next_check(instance)
        retire_after_overlap(instance, observed)
    else:
        _postpone(instance)


def _postpone(instance: Instance) -> None:
    instance.failed_checks = min(instance.failed_checks + 1, 100)
    _schedule_next_check(instance)


def _schedule_next_check(instance: Instance) -> None:
    """Schedule the next check with a random delay, and later after each failure."""
    longest = _waits().at_most(instance.failed_checks)
    jitter = random.uniform(2 / 3, 1)  # noqa: S311  (no secret)
    instance.next_check_at = timezone.now() + longest * jitter
    instance.save(update_fields=["failed_checks", "next_check_at"])


def _waits() -> Waits:
    """Return the maximum delays: 20% above the configured ones.

    The random factor (2/3 to 1) brings the mean back to the configured delay.
    """
    every = 1.2 * timedelta(minutes=settings.VERIFY_EVERY_MINUTES)
    return Waits(lease=every, first=2 * every, longest=max(every, 1.2 * MAX_WAIT))
