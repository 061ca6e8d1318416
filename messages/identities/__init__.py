"""Find out which numbers and LIDs belong to the same person."""

from .linking import link_identities, link_messages
from .number_lookup import PhoneRecord, look_up

__all__ = ["PhoneRecord", "link_identities", "link_messages", "look_up"]
