"""Link the number and the LID of a person.

The delivery callback of a message contains the recipient's number. Its status callbacks may contain
the LID instead. Inbound messages contain both, and so does the answer of `GET /phone-exists`
(lookup.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from messages.domain import addresses
from messages.domain.addresses import AddressKind
from messages.ingest.callback_batch import CallbackBatch
from messages.models import (
    Alias,
    FollowUp,
    Instance,
    KnownAddress,
    Message,
    OtherAddress,
    StatusEvent,
)


def link_identities(batch: CallbackBatch) -> None:
    """Save the links in a batch of callbacks. Run by the worker."""
    reports = batch.applied
    KnownAddress.objects.remember(report.phone for _, report in reports)
    _link_reported(
        (callback.instance_id, zapi_id)
        for callback, report in reports
        for zapi_id in report.message_ids
    )
    _link_inbound(batch.follow_ups)


def _link_reported(reported: Iterable[tuple[int, str]]) -> None:
    """Link the addresses of these messages that have more than one.

    `reported` contains (instance pk, message id).
    """
    keys = set(reported)
    if not keys:
        return
    messages = Message.objects.filter(
        zapi_id__in={zapi_id for _, zapi_id in keys}, several=True, is_group=False
    )
    link_messages([one for one in messages if (one.instance_id, one.zapi_id) in keys])


def _link_inbound(follow_ups: Iterable[FollowUp]) -> None:
    """Save the number of each LID in these inbound messages.

    Most pairs are stored already, so look them up before inserting.
    """
    pairs = {(one.instance_id, one.lid, one.number) for one in follow_ups if one.lid and one.number}
    if not pairs:
        return
    known = Alias.objects.filter(lid__in={lid for _instance, lid, _number in pairs})
    new = sorted(pairs.difference(known.values_list("instance", "lid", "number")))
    # In a group, our own number is not a contact.
    own = dict(Instance.objects.filter(pk__in={one[0] for one in new}).values_list("pk", "number"))
    new = [one for one in new if addresses.person_key(own.get(one[0], "")) != one[2]]
    Alias.objects.bulk_create(
        [Alias(instance_id=instance, lid=lid, number=number) for instance, lid, number in new],
        ignore_conflicts=True,
    )


def link_messages(messages: Sequence[Message]) -> None:
    """Save the links between the addresses of these individual messages. Can be repeated."""
    seen = _addresses([message.pk for message in messages])
    aliases: list[Alias] = []
    others: list[OtherAddress] = []
    for message in messages:
        people = {
            addresses.person_key(address) for address in seen[message.pk] | {message.phone}
        } - {""}
        if pair := _pair(people):
            aliases.append(Alias(instance_id=message.instance_id, lid=pair[0], number=pair[1]))
        else:
            # It is unknown which addresses belong to one person, so store them for this message
            # only.
            unknown = sorted(seen[message.pk] - {message.phone, ""})
            others += [OtherAddress(message_id=message.pk, phone=phone) for phone in unknown]
    Alias.objects.bulk_create(aliases, ignore_conflicts=True)
    OtherAddress.objects.bulk_create(others, ignore_conflicts=True)


def _addresses(messages: Iterable[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    events = StatusEvent.objects.filter(message__in=messages)
    for message, phone in events.values_list("message_id", "phone").distinct():
        found[message].add(phone)
    return found


def _pair(people: set[str]) -> tuple[str, str] | None:
    """Return the LID and the number if there is exactly one of each, and nothing else."""
    kinds = {addresses.kind_of(person): person for person in people}
    if len(people) != 2 or kinds.keys() != {AddressKind.LID, AddressKind.PHONE}:
        return None
    return kinds[AddressKind.LID], kinds[AddressKind.PHONE]
