"""Z-API asked about a number: WhatsApp's own form of it, and its LID. The only way between them."""

from dataclasses import dataclass

from messages.domain import addresses
from messages.instances.sync import client_of
from messages.models import Alias, Instance


@dataclass(frozen=True, slots=True)
class PhoneRecord:
    """`number` is WhatsApp's own form, often without the ninth digit; `lid` may be ''."""

    is_on_whatsapp: bool
    number: str
    lid: str


def look_up(instance: Instance, number: str) -> PhoneRecord:
    """Ask by way of an instance, and keep what ties the two. Raises what FAILURES names."""
    found = client_of(instance).phone_exists(number)
    record = PhoneRecord(found.exists, found.phone or number, found.lid)
    if record.is_on_whatsapp and record.lid:
        lid = addresses.person(record.lid)
        # The number asked for is the same person's, be it written as WhatsApp does or not.
        for one in {addresses.person(record.number), addresses.person(number)}:
            Alias.objects.get_or_create(instance=instance, lid=lid, number=one)
    return record
