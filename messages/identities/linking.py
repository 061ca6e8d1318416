"""Numbers and LIDs tied where one message was reported under both.

The delivery callback names the number that was asked for, the status callbacks of the same message
may name the LID instead: two addresses, one person. Besides, inbound messages name both (hear.py),
and so does Z-API itself when it is asked (lookup.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from messages.domain import addresses
from messages.domain.addresses import AddressKind
from messages.models import Alias, Message, OtherAddress, StatusEvent


def tie_addresses(heard_of: Iterable[tuple[int, str]]) -> None:
    """Of messages that were heard of, by instance and id: those with more than one address now."""
    named = set(heard_of)
    if not named:
        return
    messages = Message.objects.filter(
        zapi_id__in={zapi_id for _, zapi_id in named}, several=True, is_group=False
    )
    tie_messages([one for one in messages if (one.instance_id, one.zapi_id) in named])


def tie_messages(messages: Sequence[Message]) -> None:
    """Keep what the addresses of these individual messages say. Saying it again changes nothing."""
    seen = _addresses([message.pk for message in messages])
    aliases: list[Alias] = []
    others: list[OtherAddress] = []
    for message in messages:
        people = {addresses.person(address) for address in seen[message.pk] | {message.phone}} - {
            ""
        }
        if pair := _pair(people):
            aliases.append(Alias(instance_id=message.instance_id, lid=pair[0], number=pair[1]))
        else:
            # Nobody can tell whose they are: the message alone is known to be under all of them.
            untold = sorted(seen[message.pk] - {message.phone, ""})
            others += [OtherAddress(message_id=message.pk, phone=phone) for phone in untold]
    Alias.objects.bulk_create(aliases, ignore_conflicts=True)
    OtherAddress.objects.bulk_create(others, ignore_conflicts=True)


def _addresses(messages: Iterable[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    events = StatusEvent.objects.filter(message__in=messages)
    for message, phone in events.values_list("message_id", "phone").distinct():
        found[message].add(phone)
    return found


def _pair(people: set[str]) -> tuple[str, str] | None:
    """The LID and the number, where there is exactly one of each and nothing else."""
    kinds = {addresses.kind_of(person): person for person in people}
    if len(people) != 2 or kinds.keys() != {AddressKind.LID, AddressKind.PHONE}:
        return None
    return kinds[AddressKind.LID], kinds[AddressKind.PHONE]
