"""What is asked of messages, in the words of those who ask."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.lookups import GreaterThanOrEqual, In
from django.utils import timezone

from messages.accounts.number_search_limits import may_be_a_number, wait_to_search
from messages.accounts.scope import Viewer, limited_to
from messages.domain.statuses import Status
from messages.incidents.stuck_messages import stuck, stuck_now
from messages.models import Label, Message, StatusEvent
from messages.models.functions import Unindexed, reached

from .matches import Matches, ids_beginning, with_part
from .message_ids import bare, is_whatsapps_id
from .parser import Search

# A message is heard of after it was sent, but the clocks are not the same one.
_CLOCKS_DIFFER: Final = timedelta(days=1)
_OFF_THE_LADDER: Final = Status.UNKNOWN.rank
_SHARING_A_RANK: Final = {
    *(Status.DISPATCHED, Status.PENDING),
    *(status for status in Status if status.rank == _OFF_THE_LADDER),
}


class Order(StrEnum):
    """What a list goes by, and then by id; for each there is an index.

    By the time of hearing no message that is new gets between two that are known.
    """

    HEARD = "first_heard_at"
    SENT = "started_at"


class MessageQuerySet(QuerySet[Message]):
    def outbound(self) -> Self:
        """Without the contacts' messages, of which we only know that we read them."""
        return self.filter(inbound=False)

    def heard_since(self, moment: datetime) -> Self:
        return self.filter(first_heard_at__gte=moment)

    def of_instances(self, instances: Iterable[int], order: Order = Order.HEARD) -> Self:
        if order is Order.HEARD:
            return self.filter(instance__in=instances)
        # The index of sending times holds the instance too.
        return self.filter(In(Unindexed("instance"), tuple(instances)))

    def with_status(self, statuses: Iterable[Status]) -> Self:
        """Those whose highest step is one of these, or as high as one."""
        ranks = {status.rank for status in statuses}
        found = Q(rank__in=ranks - {_OFF_THE_LADDER})
        if _OFF_THE_LADDER in ranks:  # what stands there besides is inbound: read by us alone
            found |= _shown_as(Status.UNKNOWN)
        return self.filter(found)

    def shown_as(self, statuses: Iterable[Status]) -> Self:
        """Those whose status, as a message tells it by itself, is one of these.

        Unlike with_status it tells apart what shares a rank, and asks the events only there.
        """
        wanted = set(statuses)
        found = Q(rank__in={status.rank for status in wanted - _SHARING_A_RANK})
        for status in wanted & _SHARING_A_RANK:
            found |= _shown_as(status)
        return self.filter(found)

    def that_reached(self, status: Status) -> Self:
        return self.filter(reached(status))

    def sent_between(self, since: datetime | None, until: datetime | None) -> Self:
        """`until` excluded. By the time of hearing too, a search need not go back any farther."""
        found = self.filter(started_at__lt=until) if until else self
        if since is None:
            return found
        # Where both ends are known the index of sending times leaves fewer.
        heard = Unindexed("first_heard_at") if until else F("first_heard_at")
        return found.filter(
            GreaterThanOrEqual(heard, since - _CLOCKS_DIFFER), started_at__gte=since
        )

    def of_groups(self) -> Self:
        return self.filter(is_group=True)

    def of_individuals(self) -> Self:
        return self.filter(is_group=False)

    def with_id(self, ids: Iterable[str]) -> Self:
        """Under either of a message's ids, or under another one that its label names."""
        return self.filter(_under_either_id(Label.objects.same_ids(ids)))

    def with_reference(self, references: Iterable[str]) -> Self:
        """By each id of both, one after another: the database begins with the few labels.

        Asked for all ids at once, it would look at all messages.
        """
        labels = Label.objects.filter(reference__in=references)
        first, *others = [
            Message.objects.exclude(**{name: ""})  # as the index over zaap_id has it
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
        """Those of the last day, as every page counts them."""
        return stuck_now(self, timezone.now())

    def of_addresses(self, addresses: Iterable[str], others: Iterable[int] = ()) -> Self:
        """To one of these addresses; `others` are messages to the same people under another one."""
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
            found |= with_part("phone", wanted.meaning, wanted.part)
        return self.filter(found)

    def newest_first(self, order: Order = Order.HEARD) -> Self:
        return self.order_by(f"-{order}", "-id")

    def oldest_first(self, order: Order = Order.HEARD) -> Self:
        return self.order_by(order, "id")

    # The second comparison of each lets the database begin at the right place of its index.
    def older_than(self, moment: datetime, pk: int, order: Order = Order.HEARD) -> Self:
        return self.filter(Q((f"{order}__lt", moment)) | Q(id__lt=pk), (f"{order}__lte", moment))

    def newer_than(self, moment: datetime, pk: int, order: Order = Order.HEARD) -> Self:
        return self.filter(Q((f"{order}__gt", moment)) | Q(id__gt=pk), (f"{order}__gte", moment))


def named(search: Search, user: Viewer) -> list[int]:
    """The messages, two at most, of which the text is an id, or a whole reference, or half an id.

    None where `user` may not see numbers and has searched for too many.
    """
    if wait_to_search(user, search.text):
        return []
    visible = limited_to(user, message_set())
    return (
        _two_of(visible.with_id(search.ids))
        or _two_of(visible.with_reference(search.references))
        or _two_of(visible.with_id(ids_beginning(search, user)))
    )


def may_name_somebody(search: Search) -> bool:
    """Whether its text may hold somebody's number or LID, whole or in part.

    Where a person may not see numbers, such a text stays in no address.
    """
    is_id = is_whatsapps_id(bare(search.text))
    return search.is_of_people or (may_be_a_number(search.text) and not is_id)


def _two_of(found: MessageQuerySet) -> list[int]:
    return list(found.values_list("pk", flat=True)[:2])


def message_set() -> MessageQuerySet:
    return MessageQuerySet(Message)


def _under_either_id(ids: Iterable[str]) -> Q:
    # As the index over zaap_id has it: without these words SQLite looks at every message.
    return Q(zapi_id__in=ids) | Q(~Q(zaap_id=""), zaap_id__in=ids)


def _shown_as(status: Status) -> Q:
    """As statuses.highest has it; a message is inbound where all of its steps are ours."""
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
