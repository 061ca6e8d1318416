"""Ask Z-API how WhatsApp writes a number (often without the ninth digit), and for its LID."""

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
    """Ask through an instance, and save the link. Raises one of FAILURES."""
    found = client_of(instance).phone_exists(number)
    record = PhoneRecord(found.exists, found.phone or number, found.lid)
    if record.is_on_whatsapp and record.lid:
        lid = addresses.person_key(record.lid)
        # Link the LID to both forms of the number: the requested one and WhatsApp's.
        for one in {addresses.person_key(record.number), addresses.person_key(number)}:
            Alias.objects.get_or_create(instance=instance, lid=lid, number=one)
    return record
