"""Stores the facts of inbound messages.

Duplicate callbacks, and callbacks in any order, give the same rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Q

from messages.domain import addresses
from messages.ingest.callback_batch import CallbackBatch
from messages.models import Alias, Answer, FollowUp, Writing

# Answers kept for each message, the earliest ones. Shown as "1,000+".
MAX_KEPT: Final = 1001
_MINUTES: Final = 10


def record_answers(batch: CallbackBatch) -> None:
    """Store the answers and the times at which contacts wrote, from a batch of callbacks.

    Run by the worker.
    """
    inbound = [(one, one.inbound) for one in batch.follow_ups if one.inbound]
    if not inbound:
        return
    _record_answers((one.instance_id, facts) for one, facts in inbound if facts["kind"])
    _record_writings([(one, facts) for one, facts in inbound if facts["is_writing"]])


def _record_answers(found: Iterable[tuple[int, dict[str, Any]]]) -> None:
    earliest: dict[tuple[str, int, str], Answer] = {}
    for instance_id, facts in found:
        answer = Answer(
            instance_id=instance_id,
            zapi_id=facts["reference"],
            digest=facts["digest"],
            kind=facts["kind"],
            author=facts["author"],
            at=datetime.fromisoformat(facts["at"]),
        )
        key = (answer.zapi_id, instance_id, answer.digest)
        if key not in earliest or answer.at < earliest[key].at:
            earliest[key] = answer
    if not earliest:
        return
    answers = [earliest[key] for key in sorted(earliest)]
    known = set(_answers_to(answers).values_list("zapi_id", "instance", "digest"))
    Answer.objects.bulk_create(answers, ignore_conflicts=True)
    for zapi_id, instance_id, digest in sorted(known & earliest.keys()):
        at = earliest[zapi_id, instance_id, digest].at
        same = Answer.objects.filter(zapi_id=zapi_id, instance=instance_id, digest=digest)
        same.filter(at__gt=at).update(at=at)
    _drop_latest(answers)


def _answers_to(answers: Iterable[Answer]) -> Any:
    """The stored answers to the same messages, or to messages with the same ids."""
    return Answer.objects.filter(zapi_id__any_of=sorted({one.zapi_id for one in answers}))


def _drop_latest(answers: Iterable[Answer]) -> None:
    """Keep the earliest MAX_KEPT answers to each of these messages."""
    counted = _answers_to(answers).values_list("zapi_id", "instance").annotate(number=Count("pk"))
    for zapi_id, instance_id, _number in counted.filter(number__gt=MAX_KEPT):
        theirs = Answer.objects.filter(zapi_id=zapi_id, instance=instance_id)
        latest = theirs.order_by("at", "digest").values_list("pk", flat=True)[MAX_KEPT:]
        Answer.objects.filter(pk__in=list(latest)).delete()


def _record_writings(found: Sequence[tuple[FollowUp, dict[str, Any]]]) -> None:
    if not found:
        return
    times: dict[tuple[str, int, datetime], list[datetime]] = defaultdict(list)
    linked = _linked_addresses(facts["author"] for _, facts in found)
    for one, facts in found:
        at = datetime.fromisoformat(facts["at"])
        period = at.replace(minute=at.minute // _MINUTES * _MINUTES, second=0, microsecond=0)
        people = {facts["author"], one.lid, one.number, *linked[facts["author"]]} - {None}
        for address in {form for person in people for form in addresses.ninth_digit_forms(person)}:
            times[address, one.instance_id, period].append(at)
    _merge_writings(
        Writing(
            address=address,
            instance_id=instance_id,
            period=period,
            first_at=min(all_times),
            last_at=max(all_times),
        )
        for (address, instance_id, period), all_times in sorted(times.items())
    )


def _merge_writings(writings: Iterable[Writing]) -> None:
    """Add the times to those stored for the same ten minutes. `writings` are ordered by key."""
    wanted = list(writings)
    known = {
        (one.address, one.instance_id, one.period)
        for one in Writing.objects.filter(
            address__any_of=sorted({one.address for one in wanted}),
            period__in={one.period for one in wanted},
        )
    }
    Writing.objects.bulk_create(wanted, ignore_conflicts=True)
    for one in wanted:
        if (one.address, one.instance_id, one.period) in known:
            same = Writing.objects.filter(
                address=one.address, instance=one.instance_id, period=one.period
            )
            same.filter(first_at__gt=one.first_at).update(first_at=one.first_at)
            same.filter(last_at__lt=one.last_at).update(last_at=one.last_at)


def _linked_addresses(people: Iterable[str]) -> dict[str, set[str]]:
    """The number of each LID and the LIDs of each number that are known so far."""
    wanted = set(people)
    found: dict[str, set[str]] = defaultdict(set)
    pairs = Alias.objects.filter(Q(lid__in=wanted) | Q(number__in=wanted))
    for lid, number in pairs.values_list("lid", "number").distinct():
        found[lid].add(number)
        found[number].add(lid)
    return found
