"""Erases a person's data a few hundred rows at a time. It can stop anywhere and continue.

Only the rows of callbacks, without content, and keyed hashes stay. A group message stays without
this participant's part. `ErasedMessage` marks erased messages, so that late_erasure.py recognizes
callbacks that arrive later.
"""

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from messages.accounts.audit import audit, recipient_hash
from messages.ingest import SpoolUnavailableError
from messages.models import (
    Action,
    Answer,
    Callback,
    ErasedMessage,
    Erasure,
    ExportJob,
    FollowUp,
    Forward,
    Hold,
    KnownAddress,
    Label,
    Message,
    OtherAddress,
    Outcome,
    SecretUnreadableError,
    StatusEvent,
)
from statusboard.batched import batches
from statusboard.databases import is_away

from .holds import Held, HeldError, holds_on
from .person import Person
from .tables import CALLBACKS, EVENTS, MESSAGES, TABLES

logger = logging.getLogger(__name__)

Progress = Callable[[Counter[str]], None]
# Rows per transaction. Callbacks about these messages wait for that long.
_BATCH_SIZE: Final = 200


def request_erasure(person: Person, by: HttpRequest | User | None) -> Erasure:
    """Record the request. The worker erases everything received up to now.

    Raises HeldError if a hold keeps the person's data.
    """
    if holds := holds_on(person):
        raise HeldError(holds[0])
    erasure = Erasure.objects.create(subject=json.dumps(person.names), people=person.fingerprints)
    audit(
        by,
        Action.PERSON_ERASED,
        recipient=person.names[0],
        details={"erasure": erasure.pk, "state": "requested"},
    )
    return erasure


def is_stopped(erasure: Erasure) -> bool:
    """Whether a hold stops the erasure."""
    if erasure.finished_at or not Hold.objects.active().exists():
        return False
    try:
        return bool(holds_on(_person_of(erasure)))
    except (SecretUnreadableError, ValueError):
        return False


def continue_erasures(stop: threading.Event | None = None) -> int:
    """Continue the requested erasures; return how many finished. Two workers may do so at once.

    A failed erasure is retried and does not block the others.
    """
    finished = 0
    for erasure in Erasure.objects.unfinished().order_by("pk"):
        if stop and stop.is_set():
            break
        try:
            finished += erase(erasure, stop)
        except HeldError as error:
            logger.info("Erasure %s is waiting. %s", erasure.pk, error)
        except SpoolUnavailableError as error:
            logger.error(
                "Erasure %s is waiting for this server's offline buffer: %s", erasure.pk, error
            )
        except Exception as error:
            if is_away(error):
                raise
            logger.exception("Erasure %s failed; it is retried.", erasure.pk)
    return finished


def erase(
    erasure: Erasure,
    stop: threading.Event | None = None,
    progress: Progress = lambda erased: None,
) -> bool:
    """Return whether it finished. Raises HeldError before the next step if a hold was placed."""
    person = _person_of(erasure)
    erased = Counter(erasure.erased)
    for step in _until_held(person, _steps(person, erasure)):
        erased += step
        erasure.erased = dict(erased)
        erasure.save(update_fields=["erased", "reached", "only_spool_left"])
        progress(erased)
        if stop and stop.is_set():
            return False
    erasure.subject, erasure.finished_at = "", timezone.now()
    erasure.save(update_fields=["subject", "finished_at"])
    audit(
        None,
        Action.PERSON_ERASED,
        recipient=person.names[0],
        details={"erasure": erasure.pk, "state": "done"} | dict(erased),
    )
    return True


def _person_of(erasure: Erasure) -> Person:
    return Person(tuple(json.loads(erasure.subject.reveal())))


def _until_held(person: Person, steps: Iterator[Counter[str]]) -> Iterator[Counter[str]]:
    checked = None
    while True:
        active = list(Hold.objects.active().values_list("pk", flat=True))
        if active != checked and (holds := holds_on(person)):
            raise HeldError(holds[0])
        checked = active
        step = next(steps, None)
        if step is None:
            return
        yield step


def _steps(person: Person, erasure: Erasure) -> Iterator[Counter[str]]:
    """Yield what each step erased. The spool is last: if it is unreadable, it blocks nothing."""
    if not erasure.only_spool_left:
        yield from _in_database(person, erasure)
        erasure.only_spool_left = True
        yield Counter()
    yield from _drop(person, ("spool",))


def _in_database(person: Person, erasure: Erasure) -> Iterator[Counter[str]]:
    """Erase from the database. Outgoing data is erased first, so that it is not sent meanwhile."""
    yield from _drop(person, ("follow-ups", "forwards"))
    yield _drop_exports()
    messages = MESSAGES.rows(person, Message.objects.all())
    while some := list(messages.values_list("pk", flat=True)[:_BATCH_SIZE]):
        yield erase_from_messages(some, person)
    for events, _last in EVENTS.slices(person):
        for part in batches(sorted({event.message_id for event in events}), _BATCH_SIZE):
            yield erase_from_messages(part, person)
    for callbacks, last in CALLBACKS.slices(person, erasure.reached):
        mentioning = {callback.pk for callback in callbacks}
        number = empty_callbacks(mentioning - Held.now().callbacks_among(mentioning))
        erasure.reached = last
        yield Counter(callbacks=number)
    yield from _drop(person, ("aliases", "writings", "saved views"))
    # Somebody else's held message may have an answer from this person, or a label about them.
    for name in ("answers", "labels"):
        for rows, _last in TABLES[name].slices(person):
            kept = Held.now().belonging(rows)
            mine = {row.pk for row in rows} - kept
            number, _ = TABLES[name].model._default_manager.filter(pk__in=mine).delete()
            yield Counter({name: number})
    yield Counter({"known addresses": KnownAddress.objects.forget_unused(person.addresses)})
    yield _clear_notes(person)
    # Again: an export that was written meanwhile may contain erased data.
    yield _drop_exports()


def erase_from_messages(messages: Sequence[int], person: Person) -> Counter[str]:
    """Erase the person from these messages. A message to nobody else is deleted."""
    with transaction.atomic():
        locked = Message.objects.lock(Q(pk__in=messages))
        _mark(
            fingerprint(message.instance_id, message.zapi_id, name)
            for message in locked
            for name in person.names
        )
        events = StatusEvent.objects.filter(message__in=locked)
        theirs = Q(phone__in=person.addresses) | Q(participant__in=person.addresses)
        number, _ = events.filter(theirs).delete()
        OtherAddress.objects.filter(message__in=locked, phone__in=person.addresses).delete()
        deleted = [one for one in locked if not _readdress(one, person) and not one.is_group]
        labels = Label.objects.of(deleted)
        named: list[Message | Label] = [*deleted, *labels]
        _mark(fingerprint(one.instance_id, name) for one in named for name in one.ids)
        number_of_labels, _ = labels.delete()
        Answer.objects.to(deleted).delete()
        number += events.filter(message__in=deleted).delete()[0]
        Message.objects.filter(pk__in=[message.pk for message in deleted]).delete()
    return Counter(messages=len(deleted), events=number, labels=number_of_labels)


def empty_callbacks(ids: Iterable[Any]) -> int:
    """Delete the content of these callbacks and keep the rows. A rebuild ignores them."""
    found = list(ids)
    Forward.objects.filter(callback__in=found).delete()
    FollowUp.objects.filter(callback__in=found).delete()
    return Callback.objects.filter(pk__in=found).update(
        outcome=Outcome.ERASED, body=b"", cause="", cause_values=None
    )


def fingerprint(instance: int, zapi_id: str, name: str = "") -> str:
    """The keyed hash for one person in one message.

    Without `name`: for a deleted message, so that its label is not stored again.
    """
    return recipient_hash(f"{instance}:{zapi_id}:{name}")


def erased_among(messages: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """The messages, by instance and id, that were deleted and have not been received again.

    Z-API may reuse an id for a message to somebody else.
    """
    marks = {fingerprint(*message): message for message in messages}
    found = ErasedMessage.objects.filter(pk__in=marks).values_list("pk", flat=True)
    erased = {marks[mark] for mark in found}
    ids = {zapi_id for _instance, zapi_id in erased}
    there = Message.objects.filter(Q(zapi_id__in=ids) | Q(zaap_id__in=ids))
    for instance, *names in there.values_list("instance_id", "zapi_id", "zaap_id") if ids else ():
        erased -= {(instance, name) for name in names}
    return erased


def _mark(fingerprints: Iterable[str]) -> None:
    marks = [ErasedMessage(fingerprint=one) for one in fingerprints]
    ErasedMessage.objects.bulk_create(marks, ignore_conflicts=True)


def _readdress(message: Message, person: Person) -> str:
    """Move the message to another of its addresses; return that address, or ''."""
    named = message.events.exclude(phone="").order_by("phone")
    other = named.values_list("phone", flat=True).first() or ""
    if message.phone in person.addresses:
        Message.objects.filter(pk=message.pk).update(phone=other)
    return other


def _drop(person: Person, names: Iterable[str]) -> Iterator[Counter[str]]:
    for name in names:
        for number in TABLES[name].drop(person):
            yield Counter({name: number})


def _drop_exports() -> Counter[str]:
    """Delete all export files.

    People can export again, and the new files do not contain the person.
    """
    files = ExportJob.objects.count()
    ExportJob.objects.all().delete()
    return Counter(exports=files)


def _clear_notes(person: Person) -> Counter[str]:
    notes = TABLES["incidents"]
    number = notes.rows(person, notes.model._default_manager.all()).update(note="")
    return Counter(incidents=number)
