"""Holds: data of one message or one recipient that neither retention nor an erasure deletes.

Holds are few. Each batch of a purge or an erasure reads them again, and looks only at its own rows
for what they keep.
"""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from messages.accounts.audit import audit
from messages.domain import addresses as phones
from messages.domain.addresses import AddressKind
from messages.ingest import received_at_of
from messages.models import (
    Action,
    Answer,
    Callback,
    Hold,
    Label,
    Message,
    OtherAddress,
    Retention,
    Secret,
    SecretUnreadableError,
    StatusEvent,
    Writing,
)

from .person import Person, linked_names, person_of

_PEOPLE: Final = (AddressKind.PHONE, AddressKind.LID)
# Bodies in memory at once. One may have 256 KiB.
_BODIES: Final = 50


class HeldError(Exception):
    """A hold prevents the erasure. The text is shown to people."""

    def __init__(self, hold: Hold) -> None:
        values = {"date": f"{hold.placed_at:%Y-%m-%d}", "name": hold.placed_by}
        super().__init__(
            _(
                "Nothing was erased: %(name)s placed a hold on this data on %(date)s. Release "
                "the hold first."
            )
            % values
        )


@dataclass(frozen=True)
class Held:
    """What the active holds keep. `names` are as person_key() returns them."""

    messages: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()

    @classmethod
    def now(cls) -> "Held":
        """Raises SecretUnreadableError, so that nothing is deleted if a hold cannot be read."""
        return cls.of(Hold.objects.active())

    @classmethod
    def of(cls, holds: Iterable[Hold]) -> "Held":
        messages: set[int] = set()
        names: set[str] = set()
        for hold in holds:
            names |= hold.names
            if hold.message_id:
                messages.add(hold.message_id)
        return cls(frozenset(messages), frozenset(linked_names(names) if names else ()))

    def __bool__(self) -> bool:
        return bool(self.messages or self.names)

    @cached_property
    def addresses(self) -> frozenset[str]:
        """The forms stored in messages and events."""
        return Person(tuple(self.names)).addresses

    def messages_among(self, messages: Collection[int]) -> set[int]:
        """A message to a group is kept if a held person took part."""
        kept = set(self.messages.intersection(messages))
        if not self.names or not messages:
            return kept
        sent = Message.objects.filter(pk__in=messages, phone__in=self.addresses)
        events = StatusEvent.objects.filter(_in_event(self.addresses), message__in=messages)
        return kept.union(
            sent.values_list("pk", flat=True), events.values_list("message", flat=True).distinct()
        )

    def callbacks_among(self, callbacks: Collection[UUID]) -> set[UUID]:
        """The callbacks that name a held recipient or message, or that began one of its events."""
        if not self or not callbacks:
            return set()
        last = received_at_of(max(callbacks))
        sent = self.all_messages.filter(first_heard_at__lte=last).values_list("pk", flat=True)
        # As a list: the database looks up these messages instead of reading all events.
        events = StatusEvent.objects.filter(message__in=list(sent), callback__in=callbacks)
        kept = set(events.values_list("callback_id", flat=True))
        rows = Callback.objects.filter(pk__in=callbacks).exclude(body=b"")
        for pk, body in rows.values_list("pk", "body").iterator(chunk_size=_BODIES):
            if self._pattern.search(body):
                kept.add(pk)
        return kept

    def belonging(self, rows: Sequence[Label] | Sequence[Answer]) -> set[int]:
        """The primary keys of the labels or answers that belong to held messages."""
        if not self or not rows:
            return set()
        ids = {row.pk: _ids_of(row) for row in rows}
        wanted = set().union(*ids.values())
        named = Message.objects.filter(Q(zapi_id__in=wanted) | Q(zaap_id__in=wanted))
        found = {message.pk: message for message in named}
        kept = {
            (found[pk].instance_id, one)
            for pk in self.messages_among(found.keys())
            for one in found[pk].ids
        }
        return {
            row.pk for row in rows if any((row.instance_id, one) in kept for one in ids[row.pk])
        }

    def without_labels(self, labels: QuerySet[Label]) -> QuerySet[Label]:
        """Leave out the labels in which somebody wrote a held number."""
        people = [name for name in self.names if phones.kind_of(name) in _PEOPLE]
        if not people:
            return labels
        written = Person(tuple(people)).typed_pattern
        return labels.exclude(Q(label__regex=written) | Q(reference__regex=written))

    def without_answers(self, answers: QuerySet[Answer]) -> QuerySet[Answer]:
        """Leave out answers to held messages and from held people."""
        if not self:
            return answers
        message = {"instance": OuterRef("instance"), "zapi_id": OuterRef("zapi_id")}
        return answers.exclude(author__in=self.names).exclude(
            Exists(self.all_messages.filter(**message))
        )

    def without_writings(self, writings: QuerySet[Writing]) -> QuerySet[Writing]:
        """Leave out when the recipients of held messages wrote."""
        recipients = Message.objects.filter(pk__in=self.messages).values_list("phone", flat=True)
        names = self.names.union(map(phones.person_key, recipients))
        return writings.exclude(address__in=Person(tuple(names)).addresses) if names else writings

    @cached_property
    def all_messages(self) -> QuerySet[Message]:
        """Held messages, and messages to held recipients."""
        others = OtherAddress.objects.filter(phone__in=self.addresses).values("message")
        theirs = Q(phone__in=self.addresses) | Q(pk__in=others) if self.names else Q()
        return Message.objects.filter(Q(pk__in=self.messages) | theirs)

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        """How a body names what is held."""
        held = Message.objects.filter(pk__in=self.messages)
        ids = (f'"{re.escape(one)}"' for message in held for one in message.ids)
        return re.compile("|".join([*ids, *map(_in_body, self.addresses)]).encode())


def any_hold() -> Exists:
    """To annotate messages with: saves pages a query while nothing is held."""
    return Exists(Hold.objects.active())


def names_of(hold: Hold) -> list[str]:
    """The names of an active hold's recipient, if they can be read."""
    return sorted(_names(hold) or ())


def holds_on(person: Person) -> list[Hold]:
    """The holds that forbid to erase this person: what they keep names the person.

    So does a hold that cannot be read.
    """
    return [hold for hold in Hold.objects.active() if _names_person(hold, person)]


def holds_of(message: Message, addresses: Iterable[str]) -> list[Hold]:
    """The holds that keep this message, given all addresses in its events."""
    if not getattr(message, "any_hold", True):
        return []
    names = set(map(phones.person_key, {message.phone, *addresses} - {""}))
    return [
        hold
        for hold in Hold.objects.active()
        if hold.message_id == message.pk or not names.isdisjoint(_linked(hold))
    ]


def holds_of_recipient(address: str) -> list[Hold]:
    """The holds that keep everything of the recipient."""
    holds = [hold for hold in Hold.objects.active() if not hold.message_id]
    names = person_of(address).names if holds else ()
    return [hold for hold in holds if not (_names(hold) or frozenset()).isdisjoint(names)]


@transaction.atomic
def place(on: Message | Person, reason: str, by: HttpRequest) -> Hold:
    """Keep a message or a recipient. Return the existing hold if there is one.

    Raises Message.DoesNotExist if the message was purged meanwhile.
    """
    _wait_for_purges()
    hold = Hold(reason=reason, placed_by=by.user.get_username())
    if isinstance(on, Message):
        hold.message, recipient = Message.objects.get(pk=on.pk), ""
        known = Hold.objects.active().filter(message=on).first()
    else:
        hold.subject, recipient = Secret.of(json.dumps(on.names)), on.names[0]
        known = next(iter(holds_of_recipient(recipient)), None)
    if known:
        return known
    hold.save()
    details = {"reason": reason}
    audit(by, Action.HOLD_PLACED, about=hold.message, recipient=recipient, details=details)
    return hold


@transaction.atomic
def release(hold: Hold, by: HttpRequest) -> bool:
    """Return False if it was released already. Erasures that it stopped continue."""
    _wait_for_purges()
    names, released_by = names_of(hold), by.user.get_username()
    active = Hold.objects.active().filter(pk=hold.pk)
    if not active.update(subject="", released_at=timezone.now(), released_by=released_by):
        return False
    Retention.objects.resume_kept_bodies()
    message = Message.objects.filter(pk=hold.message_id).first() if hold.message_id else None
    audit(by, Action.HOLD_RELEASED, about=message, recipient=names[0] if names else "")
    return True


def _wait_for_purges() -> None:
    """Wait until the batches that know the former holds have ended. See retention.purge."""
    list(Retention.objects.select_for_update().order_by("kind"))


def _names(hold: Hold) -> frozenset[str] | None:
    """None if the hold cannot be read."""
    try:
        return hold.names
    except (SecretUnreadableError, ValueError):
        return None


def _linked(hold: Hold) -> set[str]:
    names = _names(hold)
    return linked_names(names) if names else set()


def _names_person(hold: Hold, person: Person) -> bool:
    names = _names(hold)
    if names is None or not names.isdisjoint(person.names):
        return True
    messages = Held.of([hold]).all_messages
    events = StatusEvent.objects.filter(_in_event(person.addresses), message__in=messages)
    return messages.filter(phone__in=person.addresses).exists() or events.exists()


def _in_event(addresses: Iterable[str]) -> Q:
    return Q(phone__in=addresses) | Q(participant__in=addresses)


def _in_body(address: str) -> str:
    """Matches whole numbers only, as Person.is_named_in() does; other addresses as they are."""
    if phones.kind_of(address) not in _PEOPLE:
        return re.escape(address)
    return rf"(?<!\d){phones.digits_of(address.split('@', maxsplit=1)[0])}(?!\d|-\d)"


def _ids_of(row: Label | Answer) -> set[str]:
    return row.ids if isinstance(row, Label) else {row.zapi_id}
