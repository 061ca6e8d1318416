"""Many instances, one after the other: claimed row by row, so that stopping costs nothing.

A row that a worker died over comes again after its lease; doing it twice does no harm.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_noop

from messages.audit import Action, audit
from messages.models import (
    Batch,
    BatchKind,
    BatchRow,
    Instance,
    Plan,
    RowState,
    SecretUnreadableError,
)
from messages.models.batch import BatchRowQuerySet
from statusboard.database_away import is_away

from .connect import AlreadyConnectedError, connect, update
from .imports import moves
from .push import push_wanted
from .tags import add_tags, read_tags
from .verify import check

# A claimed row is another worker's after this.
LEASE = timedelta(minutes=10)

logger = logging.getLogger(__name__)

_FAILED = gettext_noop("It could not be applied; the log says why.")
_GONE = gettext_noop("The instance is archived by now.")
_THERE = gettext_noop("There is an instance with this id by now.")
_REFUSED = gettext_noop("The name, the instance id or a token cannot be stored.")


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
    """Push or verify all of these."""
    plan = Plan.PUSH if kind == BatchKind.PUSH else Plan.VERIFY
    batch = Batch.objects.create(kind=kind, by=by, started_at=timezone.now())
    BatchRow.objects.bulk_create(
        BatchRow(batch=batch, number=number, instance=instance, plan=plan)
        for number, instance in enumerate(instances, 1)
    )
    return batch


def start(batch: Batch, *, pushes: bool) -> None:
    """Let what a preview showed happen; once, however often it is asked for."""
    Batch.objects.filter(pk=batch.pk, started_at=None).update(
        started_at=timezone.now(), pushes=pushes
    )
    batch.refresh_from_db()


def try_again(batch: Batch) -> int:
    """Put what failed back in line."""
    return batch.rows.filter(state=RowState.FAILED).update(
        state=RowState.WAITING, next_try_at=timezone.now(), problem=""
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


def work_batches(stop: threading.Event | None = None) -> int:
    """What the worker does. Several may do so side by side."""
    done = 0
    while not (stop and stop.is_set()) and (row := _claim(BatchRow.objects.due())):
        _work(row)
        done += 1
    return done


def work_on(batch: Batch) -> Iterator[BatchRow]:
    """Work one batch off in this process, as a command does; gives each row when it is done."""
    while row := _claim(BatchRow.objects.due().filter(batch=batch)):
        _work(row)
        yield row


def forget_old_batches(days: int = 90) -> int:
    """Previews that nobody started hold tokens: they go after a day."""
    now = timezone.now()
    stale = Batch.objects.filter(started_at=None, created_at__lt=now - timedelta(days=1))
    old = Batch.objects.filter(created_at__lt=now - timedelta(days=days))
    return sum(batches.delete()[0] for batches in (stale, old))


def _claim(due: BatchRowQuerySet) -> BatchRow | None:
    # Looked at without a lock: on SQLite, asking in vain must not stop the door from writing.
    if not due.exists():
        return None
    with transaction.atomic():
        row = (
            due.select_related("batch__account", "batch__by", "instance__account")
            .select_for_update(skip_locked=True, of=("self",))
            .first()
        )
        if row:
            row.next_try_at = timezone.now() + LEASE
            row.save(update_fields=["next_try_at"])
    return row


def _work(row: BatchRow) -> None:
    try:
        problem = _do(row)
    except Exception as error:
        if is_away(error):
            raise
        # Failed for once and for all: a batch must come to its end.
        logger.exception("Row %s of batch %s failed.", row.number, row.batch_id)
        problem = _FAILED
    row.problem = problem
    row.state = RowState.FAILED if problem else RowState.DONE
    row.done_at = timezone.now()
    if not problem:
        row.token = row.client_token = ""
    row.save(update_fields=["state", "problem", "done_at", "token", "client_token", "instance"])


def _do(row: BatchRow) -> str:
    """What the row is for; gives the problem, where there is one."""
    problem = _import(row) if row.plan in (Plan.ADD, Plan.UPDATE) else ""
    if problem:
        return problem
    instance = row.instance
    return _GONE if instance is None or instance.archived_at else _call(row, instance)


def _call(row: BatchRow, instance: Instance) -> str:
    """Push or verify; gives the first problem there is."""
    if row.plan == Plan.VERIFY:
        check(instance)
        webhooks = list(instance.webhooks.all())
    elif row.plan == Plan.PUSH or row.batch.pushes:
        webhooks = push_wanted(instance)
        audit(row.batch.by, Action.WEBHOOK_PUSHED, about=instance, details={"batch": row.batch_id})
    else:
        return ""
    return next((one.problem for one in webhooks if one.problem), "")


def _import(row: BatchRow) -> str:
    """Add or change the row's instance; gives the problem, where there is one."""
    try:
        action = _change(row, row.instance) if row.instance else _add(row)
    except AlreadyConnectedError:
        return _THERE
    except ValidationError:
        return _REFUSED
    except SecretUnreadableError as error:
        return str(error)
    audit(row.batch.by, action, about=row.instance, details={"batch": row.batch_id})
    return ""


@transaction.atomic
def _add(row: BatchRow) -> Action:
    """All of it or nothing: a worker that takes the row over finds the instance, or makes it."""
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
