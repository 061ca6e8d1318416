"""Run batches: import, push or verify many instances, row by row.

Each row is leased. If a worker dies, another worker repeats the row when the lease expires.
Repeating a row is harmless.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from messages.accounts.audit import audit
from messages.domain.problems import Problem
from messages.models import (
    Action,
    Batch,
    BatchKind,
    BatchRow,
    Instance,
    Plan,
    RowState,
    SecretUnreadableError,
)
from messages.models.batch import BatchRowQuerySet
from messages.models.due import has_passed
from statusboard.databases import is_away

from .bulk_import import moves
from .call_budget import PERIOD, cost_of, has_budget, latest_with_budget, pause, spend
from .connect import AlreadyConnectedError, connect, update
from .push import push_wanted
from .tags import add_tags, read_tags
from .verify import check

LEASE = BatchRow.LEASE
# A row waits while Z-API answers "too many calls", but not for ever.
MAX_DURATION = timedelta(hours=6)
# Seconds between two checks whether the account has budget again.
POLL_SECONDS = 0.2

# Rows that need no call to Z-API.
_WITHOUT_CALLS = Q(plan__in=[Plan.ADD, Plan.UPDATE], batch__pushes=False)

logger = logging.getLogger(__name__)


class _PostponedError(Exception):
    """The row must wait. This is not a failure."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Progress:
    total: int
    waiting: int
    done: int
    failed: int
    left_out: int

    @property
    def finished(self) -> int:
        return self.total - self.waiting

    @property
    def percent(self) -> int:
        return 100 * self.finished // self.total if self.total else 100

    @property
    def is_over(self) -> bool:
        return self.waiting == 0


@transaction.atomic
def start_for(instances: Iterable[Instance], kind: BatchKind, by: User | None = None) -> Batch:
    """Start a batch that pushes or verifies these instances."""
    plan = Plan.PUSH if kind == BatchKind.PUSH else Plan.VERIFY
    batch = Batch.objects.create(kind=kind, by=by, started_at=timezone.now())
    BatchRow.objects.bulk_create(
        BatchRow(batch=batch, number=number, instance=instance, plan=plan)
        for number, instance in enumerate(instances, 1)
    )
    return batch


def start(batch: Batch, *, pushes: bool) -> None:
    """Start an import after its preview. Further calls do nothing."""
    Batch.objects.filter(pk=batch.pk, started_at=None).update(
        started_at=timezone.now(), pushes=pushes
    )
    batch.refresh_from_db()


def retry_failed(batch: Batch) -> int:
    """Queue the failed rows again."""
    return batch.rows.filter(state=RowState.FAILED).update(
        state=RowState.WAITING, next_try_at=timezone.now(), problem="", problem_values=None
    )


def progress_of(batch: Batch) -> Progress:
    counts = dict(batch.rows.order_by().values_list("state").annotate(number=Count("pk")))
    return Progress(
        total=sum(counts.values()),
        waiting=counts.get(RowState.WAITING, 0),
        done=counts.get(RowState.DONE, 0),
        failed=counts.get(RowState.FAILED, 0),
        left_out=counts.get(RowState.LEFT_OUT, 0),
    )


def run_batches(stop: threading.Event | None = None) -> int:
    """Run the due rows. Several workers can do this at the same time."""
    done = 0
    while not (stop and stop.is_set()) and (row := _claim(BatchRow.objects.due())):
        _process(row)
        done += 1
    return done


def run_batch(batch: Batch) -> Iterator[BatchRow]:
    """Run one batch in this process, and yield each row when it is done."""
    while batch.rows.filter(state=RowState.WAITING).exists():
        row = _claim(BatchRow.objects.due().filter(batch=batch))
        if row is None:
            time.sleep(POLL_SECONDS)  # until the account has budget, or another worker is done
            continue
        _process(row)
        if row.state != RowState.WAITING:
            yield row


def cancel(batch: Batch) -> int:
    """Cancel the rows that have not started, and return their number."""
    return batch.rows.filter(state=RowState.WAITING).update(
        state=RowState.LEFT_OUT,
        problem=Problem.CANCELLED,
        done_at=timezone.now(),
        token="",
        client_token="",
    )


def delete_old_batches(days: int = 90) -> int:
    """Delete old batches. Previews contain tokens, so they are deleted after a day."""
    now = timezone.now()
    stale = Batch.objects.filter(started_at=None, created_at__lt=now - timedelta(days=1))
    old = Batch.objects.filter(created_at__lt=now - timedelta(days=days))
    return sum(batches.delete()[0] for batches in (stale, old))


def _claim(due: BatchRowQuerySet) -> BatchRow | None:
    has_room = has_budget("instance__account__next_turn_at", latest_with_budget(timezone.now()))
    due = due.filter(Q(instance=None) | _WITHOUT_CALLS | has_room)
    due = due.select_related("batch__account", "batch__by", "instance__account")
    with due.claim() as rows:
        for row in rows:
            if row.instance is None or _may_call(row, row.instance):
                row.next_try_at = timezone.now() + LEASE
                row.save(update_fields=["next_try_at"])
                return row
    return None


def _calls(row: BatchRow) -> bool:
    """Whether the row needs calls to Z-API; _WITHOUT_CALLS is the opposite in SQL."""
    return row.plan in (Plan.PUSH, Plan.VERIFY) or row.batch.pushes


def _may_call(row: BatchRow, instance: Instance) -> bool:
    return not _calls(row) or spend(instance.account_id)


def _process(row: BatchRow) -> None:
    try:
        problem = _run(row)
    except _PostponedError as error:
        # Do not postpone a row that was cancelled meanwhile.
        waiting = BatchRow.objects.filter(pk=row.pk, state=RowState.WAITING)
        waiting.update(next_try_at=timezone.now() + error.wait)
        return
    except Exception as error:
        if is_away(error):
            raise
        # The row fails, so that the batch ends.
        logger.exception("Row %s of batch %s failed.", row.number, row.batch_id)
        problem = Problem.INTERNAL_ERROR
    row.set_problem(problem)
    row.state = RowState.FAILED if problem else RowState.DONE
    row.done_at = timezone.now()
    if not problem:
        row.token = row.client_token = ""
    row.save(update_fields=["state", "done_at", "token", "client_token", "instance", *row.PROBLEM])


def _run(row: BatchRow) -> Problem | None:
    """Run the row and return its problem."""
    is_new = row.plan == Plan.ADD and row.instance is None
    problem = _import(row) if is_new or row.plan == Plan.UPDATE else None
    if problem:
        return problem
    instance = row.instance
    if instance is None or instance.archived_at:
        return Problem.INSTANCE_ARCHIVED
    # The account of a new instance was not known when the row was leased.
    if is_new and not _may_call(row, instance):
        raise _PostponedError(cost_of(1))
    return _call(row, instance)


def _call(row: BatchRow, instance: Instance) -> Problem | None:
    """Push or verify, and return the first problem."""
    if row.plan == Plan.VERIFY:
        check(instance)
        webhooks = [one for one in instance.webhooks.all() if one.is_wanted]
    elif row.plan == Plan.PUSH or row.batch.pushes:
        webhooks = push_wanted(instance)
        audit(row.batch.by, Action.WEBHOOK_PUSHED, about=instance, details={"batch": row.batch_id})
    else:
        return None
    problem = next((Problem(one.problem) for one in webhooks if one.problem), None)
    if problem is Problem.TOO_MANY_CALLS and not _is_overdue(row.batch):
        pause(instance.account_id)
        raise _PostponedError(PERIOD)
    return problem


def _is_overdue(batch: Batch) -> bool:
    started_at = batch.started_at
    return started_at is None or has_passed(MAX_DURATION, started_at, timezone.now())


def _import(row: BatchRow) -> Problem | None:
    """Add or change the instance, and return the problem."""
    try:
        action = _change(row, row.instance) if row.instance else _add(row)
    except AlreadyConnectedError:
        return Problem.ID_ADDED
    except ValidationError:
        return Problem.NOT_STORABLE
    except SecretUnreadableError as error:
        return error.problem
    audit(row.batch.by, action, about=row.instance, details={"batch": row.batch_id})
    return None


@transaction.atomic
def _add(row: BatchRow) -> Action:
    """Add the instance and save the row in one transaction, so that a retry adds no second one."""
    row.instance = connect(
        name=row.name,
        zapi_id=row.zapi_id,
        token=row.token.reveal(),
        client_token=row.client_token.reveal(),
        account=row.batch.account,
    )
    add_tags(row.instance, read_tags(row.tags))
    row.save(update_fields=["instance"])
    return Action.INSTANCE_ADDED


def _change(row: BatchRow, instance: Instance) -> Action:
    account = row.batch.account
    if account and moves(instance, account):
        instance.account = account
        instance.save(update_fields=["account"])
    update(
        instance,
        name=row.name or instance.name,
        token=row.token.reveal(),
        client_token=row.client_token.reveal(),
    )
    add_tags(instance, read_tags(row.tags))
    return Action.INSTANCE_CHANGED
