"""MessageQuerySet: the filters and orders of message lists."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.lookups import GreaterThanOrEqual, In
from django.utils import timezone

from messages.accounts.number_search_limits import may_be_a_number, wait_to_search
from messages.accounts.scope import Viewer, limited_to
from messages.domain import addresses as phones
from messages.domain.message_kinds import MessageKind
from messages.domain.statuses import Status
from messages.incidents.stuck_messages import stuck, stuck_now
from messages.models import Label, Message, StatusEvent
from messages.models.functions import Epoch, Unindexed, of_kinds, reached
from messages.models.latencies import LATENCIES, is_known
from messages.models.message import FAILED

from .latency_ranges import LatencyRange
from .matches import Matches, ids_starting_with_text, messages_with_other_address, part_filter
from .message_ids import is_whatsapp_id, strip_punctuation
from .parser import Search

# Messages are first seen after sending, but the two clocks may differ.
_CLOCK_TOLERANCE: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_UNRANKED: Final = Status.UNKNOWN.rank
_SHARING_A_RANK: Final = {
    *(Status.DISPATCHED, Status.PENDING),
    *(status for status in Status if status.rank == _UNRANKED),
}


class Order(StrEnum):
    """The orders of a list, each with an index; ties are ordered by id.

    In the order HEARD a new message never gets between two known ones.
    """

    HEARD = "first_heard_at"
    SENT = "started_at"

    @property
    def newest_first(self) -> tuple[str, str]:
        return f"-{self}", "-id"

    @property
    def oldest_first(self) -> tuple[str, str]:
        return str(self), "id"


class MessageQuerySet(QuerySet[Message]):
    def outbound(self) -> Self:
        """Without messages from contacts. For these Z-API only reports when we read them."""
        return self.filter(inbound=False)

    def first_heard_between(self, since: datetime | None, until: datetime | None) -> Self:
        found = self.filter(first_heard_at__gte=since) if since else self
        return found.filter(first_heard_at__lt=until) if until else found

    def of_instances(self, instances: Iterable[int], order: Order = Order.HEARD) -> Self:
        if order is Order.HEARD:
            return self.filter(instance__in=instances)
        # The index of sending times includes the instance.
        return self.filter(In(Unindexed("instance"), tuple(instances)))

    def with_status(self, statuses: Iterable[Status]) -> Self:
        """Messages whose highest step has the rank of one of these statuses."""
        ranks = {status.rank for status in statuses}
        found = Q(rank__in=ranks - {_UNRANKED})
        if _UNRANKED in ranks:  # other messages with this rank are inbound: only we have read them
            found |= _shown_as(Status.UNKNOWN)
        return self.filter(found)

    def shown_as(self, statuses: Iterable[Status]) -> Self:
        """Messages displayed with one of these statuses.

        Unlike with_status(), it distinguishes statuses of the same rank, by their events.
        """
        wanted = set(statuses)
        found = Q(rank__in={status.rank for status in wanted - _SHARING_A_RANK})
        for status in wanted & _SHARING_A_RANK:
            found |= _shown_as(status)
        return self.filter(found)

    def failure_counts(self) -> list[tuple[str, int]]:
        """The failure codes and how many messages have each, most frequent first."""
        counted = self.filter(FAILED).order_by().values_list("failure_code")
        return list(counted.annotate(number=Count("pk")).order_by("-number", "failure_code"))

    def that_failed(self, codes: Collection[str]) -> Self:
        """Failed messages with one of these failure codes."""
        return self.filter(FAILED, failure_code__in=sorted(codes))

    def that_reached(self, status: Status) -> Self:
        return self.filter(reached(status))

    def sent_between(self, since: datetime | None, until: datetime | None) -> Self:
        """From `since` to before `until`; also bounds the time first seen, to use its index."""
        found = self.filter(started_at__lt=until) if until else self
        if since is None:
            return found
        # With both bounds the index of sending times selects fewer rows.
        heard = Unindexed("first_heard_at") if until else F("first_heard_at")
        return found.filter(
            GreaterThanOrEqual(heard, since - _CLOCK_TOLERANCE), started_at__gte=since
        )

    def sent_in_hours(self, hours: Collection[datetime]) -> Self:
        """Sent in one of these hours, given by their starts.

        The condition is given twice: as ranges of times, and as a number. With the ranges alone,
        PostgreSQL expects many matching rows and scans all messages, newest first. With the number
        too, it expects few rows and reads only these hours from the index.
        """
        within = [Q(started_at__gte=hour, started_at__lt=hour + _HOUR) for hour in hours]
        numbers = [int(hour.timestamp()) // _HOUR.seconds for hour in hours]
        is_one = Q(In(Epoch("started_at") / _HOUR.seconds, numbers))
        return self.filter(Q(*within, _connector=Q.OR), is_one) if within else self.none()

    def that_took(self, wanted: LatencyRange) -> Self:
        name = f"{wanted.latency}_latency"
        took = is_known(wanted.latency)
        if wanted.over:
            took &= Q((f"{name}__gt", wanted.over))
        if wanted.within is not None:
            took &= Q((f"{name}__lte", wanted.within))
        return self.alias(**{name: LATENCIES[wanted.latency]}).filter(took)

    def of_kinds(self, kinds: Collection[MessageKind]) -> Self:
        return self.filter(of_kinds(kinds))

    def with_id(self, ids: Iterable[str]) -> Self:
        """The messages with one of these ids (messageId or zaapId).

        The label of a message may name a further id.
        """
        return self.filter(_under_either_id(Label.objects.same_ids(ids)))

    def with_reference(self, references: Iterable[str]) -> Self:
        """One query per pair of id columns: each starts from the few labels.

        A single query over all ids would scan all messages.
        """
        labels = Label.objects.filter(reference__in=references)
        first, *others = [
            Message.objects.exclude(**{name: ""})  # the condition of the index over zaap_id
            .filter(
                Exists(labels.filter(instance=OuterRef("instance"), **{of_label: OuterRef(name)})),
                **{f"{name}__in": labels.values(of_label)},
            )
            .values("pk")
            for name in ("zapi_id", "zaap_id")
            for of_label in ("zapi_id", "zaap_id")
        ]
        return self.filter(pk__in=first.union(*others))

    def stuck(self) -> Self:
        return stuck(self, timezone.now())

    def stuck_now(self) -> Self:
        """Stuck messages of the last 24 hours, as all pages count them."""
        return stuck_now(self, timezone.now())

    def of_addresses(self, addresses: Iterable[str], others: Iterable[int] = ()) -> Self:
        """Messages to these addresses, and those with the primary keys `others`."""
        return self.filter(Q(phone__in=addresses) | Q(pk__in=others))

    def matching(self, wanted: Matches) -> Self:
        found = _under_either_id(wanted.ids)
        if wanted.addresses:
            found |= Q(phone__in=wanted.addresses)
        if wanted.holding:
            found |= Q(phone__in=wanted.holding)
        if wanted.others:
            found |= Q(pk__in=wanted.others)
        if wanted.part:
            found |= part_filter("phone", wanted.meaning, wanted.part)
        return self.filter(found)

    def newest_first(self, order: Order = Order.HEARD) -> Self:
        return self.order_by(*order.newest_first)


def messages_with(address: str, aliases: Iterable[str], user: Viewer) -> MessageQuerySet:
    """The messages to a recipient, under this address and its aliases, that `user` may see."""
    addresses = (*phones.stored_forms(address), *aliases)
    others = messages_with_other_address(addresses, user)
    return limited_to(user, message_set().of_addresses(addresses, others))


def named_messages(search: Search, user: Viewer) -> list[int]:
    """Up to two messages whose id or reference is the text, or whose id starts with it.

    Empty if `user` may not see numbers and has searched for too many.
    """
    if wait_to_search(user, search.text):
        return []
    visible = limited_to(user, message_set())
    return (
        _first_two(visible.with_id(search.ids))
        or _first_two(visible.with_reference(search.references))
        or _first_two(visible.with_id(ids_starting_with_text(search, user)))
    )


def may_name_person(search: Search) -> bool:
    """Whether the text may contain a number or LID, or a part of one.

    Such a text must not stay in a URL if the viewer may not see numbers.
    """
    is_id = is_whatsapp_id(strip_punctuation(search.text))
    return search.is_for_person or (may_be_a_number(search.text) and not is_id)


def _first_two(found: MessageQuerySet) -> list[int]:
    return list(found.values_list("pk", flat=True)[:2])


def message_set() -> MessageQuerySet:
    return MessageQuerySet(Message)


def _under_either_id(ids: Iterable[str]) -> Q:
    # The condition of the partial index over zaap_id: without it SQLite scans every message.
    return Q(zapi_id__in=ids) | Q(~Q(zaap_id=""), zaap_id__in=ids)


def _shown_as(status: Status) -> Q:
    """The same rule as statuses.highest(). A message is inbound if all its events are ours."""
    events = StatusEvent.objects.filter(message=OuterRef("pk"))
    on_rank, played = Q(rank=status.rank), Exists(events.filter(status=Status.PLAYED_BY_ME))
    pending = Exists(events) & ~Exists(events.exclude(status=Status.PENDING))
    match status:
        case Status.PENDING:
            return on_rank & pending
        case Status.DISPATCHED:
            return on_rank & ~pending
        case Status.PLAYED_BY_ME:
            return on_rank & Q(played, inbound=True)
        case Status.READ_BY_ME:
            return on_rank & Q(~played, inbound=True)
        case _:
            return on_rank & Q(inbound=False)
