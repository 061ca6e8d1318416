"""Metrics that are computed from database and spool at each scrape.

They cost nothing per callback, are the same in every process and survive restarts. Only the latency
of the webhook endpoint is measured as it happens (webhook_latency.py).
"""

import logging
import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import Error
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from messages.incidents.overdue import ABSENT_AFTER, last_runs
from messages.incidents.stuck_messages import stuck_counts
from messages.incidents.unconfirmed_messages import unconfirmed_counts
from messages.ingest import first_id_at, spool_state
from messages.models import (
    Callback,
    Channel,
    FollowUp,
    Forward,
    Incident,
    IncidentKind,
    Instance,
    Notification,
    Outcome,
    WorkerBeat,
)
from statusboard import __version__
from statusboard.databases import deadline

from .backlog import oldest_follow_up

logger = logging.getLogger(__name__)

_TIMEOUT: Final = 5.0  # seconds; Prometheus gives up after 10
_BUILD: Final = ["version", "commit"]
_Families = Iterator[GaugeMetricFamily]


def registry() -> CollectorRegistry:
    """Return a new registry for a scrape. It stores no values."""
    collectors = CollectorRegistry()
    collectors.register(_Metrics())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(collectors)  # type: ignore[no-untyped-call]
    return collectors


class _Metrics(Collector):
    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()  # otherwise everything is collected twice per scrape

    def collect(self) -> _Families:
        yield _build()
        yield from _spool()
        try:
            with deadline(_TIMEOUT):
                families = [family for figures in _FIGURES for family in figures()]
        except Error as error:
            logger.warning("No metrics from the database: %s", error)
            families = []
        yield _gauge("database_up", "1 if the database answered, else 0.", bool(families))
        yield from families


def _build() -> GaugeMetricFamily:
    family = _family("build_info", "Always 1. The labels are those of this process.", _BUILD)
    family.add_metric([__version__, settings.BUILD_COMMIT], 1)
    return family


def _spool() -> _Families:
    state = spool_state()
    yield _gauge(
        "spool_waiting", "Callbacks waiting in this server's offline buffer.", state.waiting
    )
    yield _gauge(
        "spool_refused", "Callbacks rejected in this server's offline buffer.", state.refused
    )
    yield _age(
        "spool_oldest_seconds", "Age of the oldest callback in the offline buffer.", state.oldest
    )


def _callbacks() -> _Families:
    recent = Callback.objects.filter(pk__gte=first_id_at(timezone.now() - timedelta(minutes=1)))
    counted = dict(recent.values_list("outcome").annotate(Count("pk")).order_by())
    family = _family("callbacks_last_minute", "Callbacks received in the last minute.", ["outcome"])
    for outcome in Outcome.values:
        family.add_metric([outcome], counted.get(outcome, 0))
    yield family
    held = Callback.objects.quarantined().kept().count()
    yield _gauge(
        "quarantined", "Callbacks that could not be parsed and are kept in quarantine.", held
    )


def _follow_ups() -> _Families:
    yield _gauge(
        "follow_ups_waiting",
        "Stored callbacks waiting to be counted and forwarded.",
        FollowUp.objects.waiting().count(),
    )
    yield _age(
        "follow_up_oldest_seconds",
        "Age of the oldest waiting callback.",
        oldest_follow_up(),
    )
    yield _gauge(
        "follow_ups_set_aside",
        "Stored callbacks whose processing failed.",
        FollowUp.objects.set_aside().count(),
    )


def _forwards() -> _Families:
    waiting = Forward.objects.waiting().aggregate(number=Count("pk"), oldest=Min("waiting_since"))
    yield _gauge("forwards_waiting", "Callbacks waiting to be forwarded.", waiting["number"])
    yield _age("forward_oldest_seconds", "Age of the oldest waiting callback.", waiting["oldest"])
    given_up = Forward.objects.given_up().count()
    yield _gauge("forwards_given_up", "Callbacks that their receiver did not accept.", given_up)


def _instances() -> _Families:
    # Not "instance": Prometheus uses that label for the scraped process.
    labels = ["zapi_instance", "name"]
    last_callback = _family(
        "last_callback_seconds",
        "Seconds since an instance's last callback. Absent before the first.",
        labels,
    )
    stuck = _family(
        "stuck_messages", "Stuck messages of the last day, counted as on the pages.", labels
    )
    unconfirmed = _family(
        "unconfirmed_messages",
        "Messages of the last day that were announced and never confirmed.",
        labels,
    )
    now, instances = timezone.now(), list(Instance.objects.active().with_last_heard())
    numbers, announced = stuck_counts(instances, now), unconfirmed_counts(instances, now)
    for instance in instances:
        values = [instance.shown_id, instance.name]
        stuck.add_metric(values, numbers.get(instance.pk, 0))
        found = announced.get(instance.pk)
        unconfirmed.add_metric(values, found.number if found else 0)
        if instance.last_heard_at:
            last_callback.add_metric(
                values, max(0.0, (now - instance.last_heard_at).total_seconds())
            )
    yield last_callback
    yield stuck
    yield unconfirmed


def _workers() -> _Families:
    beats = WorkerBeat.objects.running(timezone.now() - ABSENT_AFTER)
    yield _gauge("workers_running", "Workers with a recent heartbeat.", beats.count())


def _jobs() -> _Families:
    now = timezone.now()
    ages = _family("job_last_run_seconds", "Seconds since a worker job last finished.", ["job"])
    overdue = _family("job_overdue", "1 if a worker job is overdue, else 0.", ["job"])
    for run in last_runs(now):
        ages.add_metric([run.job], (now - run.at).total_seconds())
        overdue.add_metric([run.job], run.is_overdue(now))
    yield ages
    yield overdue


def _incidents() -> _Families:
    counted = dict(Incident.objects.open().values_list("kind").annotate(Count("pk")).order_by())
    family = _family("incidents_open", "Open incidents.", ["kind"])
    for kind in IncidentKind.values:
        family.add_metric([kind], counted.get(kind, 0))
    yield family


def _channels() -> _Families:
    failing = Channel.objects.filter(enabled=True, failing_since__isnull=False).count()
    yield _gauge("channels_failing", "Notification channels whose deliveries fail.", failing)
    waiting = Notification.objects.waiting().count()
    yield _gauge("notifications_waiting", "Notifications waiting to be sent.", waiting)


_FIGURES: Final = (
    *(_callbacks, _follow_ups, _forwards, _instances, _workers, _jobs),
    *(_incidents, _channels),
)


def _family(name: str, documentation: str, labels: list[str] | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"statusboard_{name}", documentation, labels=labels)


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"statusboard_{name}", documentation, value=value)


def _age(name: str, documentation: str, since: datetime | None) -> GaugeMetricFamily:
    seconds = (timezone.now() - since).total_seconds() if since else 0.0
    return _gauge(name, documentation, max(0.0, seconds))
