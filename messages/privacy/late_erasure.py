"""Erases data from callbacks that arrive after, or during, the erasure of their person.

The webhook endpoint stores every callback. The worker checks shortly afterwards whether it is about
erased data. A message sent to the person after the erasure is new and is kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from messages.accounts.audit import recipient_hash
from messages.domain import addresses as phones
from messages.domain.addresses import AddressKind
from messages.ingest import received_at_of
from messages.ingest.callback_batch import CallbackBatch, ReportedCallback
from messages.models import (
    Alias,
    Answer,
    Callback,
    ErasedMessage,
    Erasure,
    FollowUp,
    KnownAddress,
    Message,
    Writing,
)
from messages.zapi.payloads import StatusReport

from .erase import empty_callbacks, erase_from_messages, fingerprint
from .holds import Held
from .person import Person
from .tables import TABLES

_PEOPLE: Final = (AddressKind.PHONE, AddressKind.LID)


@dataclass(frozen=True, slots=True)
class _Mention:
    """A person's number or LID in a callback, with the message that it belongs to."""

    callback: Callback
    zapi_id: str
    name: str

    @property
    def mark(self) -> str:
        return fingerprint(self.callback.instance_id, self.zapi_id, self.name)


def erase_late(batch: CallbackBatch) -> None:
    """Erase what these callbacks and the other consumers stored again about erased people."""
    if not Erasure.objects.exists():
        return
    _delete_inbound(batch.follow_ups)
    mentions = list(_mentions(batch.reports))
    late = _not_held(_late(mentions))
    for mention in late:
        _erase(mention)
    empty_callbacks({mention.callback.pk for mention in late})


def _not_held(mentions: Iterable[_Mention]) -> list[_Mention]:
    found = list(mentions)
    kept = Held.now().callbacks_among({one.callback.pk for one in found}) if found else set()
    return [one for one in found if one.callback.pk not in kept]


def _late(mentions: Sequence[_Mention]) -> Iterator[_Mention]:
    """Mentions of erased messages, and mentions in callbacks received before the erasure."""
    marks = ErasedMessage.objects.filter(pk__in={mention.mark for mention in mentions})
    known = set(marks.values_list("pk", flat=True))
    requested = _requests(mention.callback.received_at for mention in mentions)
    for mention in mentions:
        before = requested.get(recipient_hash(mention.name))
        if mention.mark in known or (before and mention.callback.received_at < before):
            yield mention


def _delete_inbound(follow_ups: Iterable[FollowUp]) -> None:
    """Delete what was stored from inbound messages that arrived before the erasure."""
    named = {one: received_at_of(one.callback_id) for one in follow_ups if one.lid or one.inbound}
    requested = _requests(named.values())
    for one, received_at in named.items() if requested else ():
        author = (one.inbound or {}).get("author")
        people = {phones.person_key(name) for name in (one.lid, one.number, author) if name}
        if any(received_at < requested.get(recipient_hash(name), received_at) for name in people):
            person = Person(tuple(people))
            Alias.objects.filter(lid=one.lid, number=one.number).delete()
            TABLES["answers"].rows(person, Answer.objects.filter(at__lte=received_at)).delete()
            TABLES["writings"].rows(
                person, Writing.objects.filter(first_at__lte=received_at)
            ).delete()


def _requests(received: Iterable[datetime]) -> dict[str, datetime]:
    """The last erasure of each person that was requested after the earliest of these times.

    Without people who are held now.
    """
    earliest = min(received, default=None)
    if earliest is None:
        return {}
    erasures = Erasure.objects.filter(requested_at__gt=earliest).order_by("requested_at")
    requested = {name: one.requested_at for one in erasures for name in one.people}
    held = set(map(recipient_hash, Held.now().names)) if requested else ()
    return {name: at for name, at in requested.items() if name not in held}


def _mentions(reports: Iterable[ReportedCallback]) -> Iterator[_Mention]:
    for callback, report in reports:
        for zapi_id in report.message_ids:
            for name in _people(report):
                yield _Mention(callback, zapi_id, name)


def _people(report: StatusReport) -> set[str]:
    addresses = {report.phone, report.participant}
    return {phones.person_key(one) for one in addresses if phones.kind_of(one) in _PEOPLE}


def _erase(mention: _Mention) -> None:
    person = Person((mention.name,))
    messages = Message.objects.filter(
        instance=mention.callback.instance_id, zapi_id=mention.zapi_id
    )
    erase_from_messages(list(messages.values_list("pk", flat=True)), person)
    TABLES["aliases"].rows(person, Alias.objects.all()).delete()
    KnownAddress.objects.forget_unused(person.addresses)
