"""What the sender calls some messages."""

from collections.abc import Collection
from typing import Protocol

from messages.models import Label

# By the message's instance and Z-API's id of it.
Labels = dict[tuple[int, str], Label]


class _Message(Protocol):
    """A message, or as much as was read of one."""

    @property
    def instance_id(self) -> int: ...
    @property
    def zapi_id(self) -> str: ...
    @property
    def zaap_id(self) -> str: ...


def labels_of(messages: Collection[_Message]) -> Labels:
    """In one query, under either id: Z-API answers with both when a message is sent.

    Of several under one id it is the one that was put last.
    """
    ids = {name for message in messages for name in (message.zapi_id, message.zaap_id) if name}
    instances = {message.instance_id for message in messages}
    labels = Label.objects.filter(instance__in=instances).named(ids).order_by("updated_at", "pk")
    named = {(label.instance_id, name): label for label in labels for name in label.ids}
    found = {}
    for message in messages:
        key = (message.instance_id, message.zapi_id)
        if label := named.get(key) or named.get((message.instance_id, message.zaap_id)):
            found[key] = label
    return found
