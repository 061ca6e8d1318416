"""Finds the labels of messages."""

from collections.abc import Collection
from typing import Protocol

from messages.models import Label

# By instance and Z-API message id.
Labels = dict[tuple[int, str], Label]


class _Message(Protocol):
    """The attributes of a message that are needed."""

    @property
    def instance_id(self) -> int: ...
    @property
    def zapi_id(self) -> str: ...
    @property
    def zaap_id(self) -> str: ...


def labels_of(messages: Collection[_Message]) -> Labels:
    """Find the label of each message, by either of its ids, in one query. The latest label wins."""
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
