"""Validates labels from JSON or CSV."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

MAX_ID_LENGTH: Final = 128
MAX_REFERENCE_LENGTH: Final = 128
MAX_LABEL_LENGTH: Final = 200
# Per request.
MAX_AT_ONCE: Final = 2000

_CAPS: Final = {
    "zapi_instance_id": MAX_ID_LENGTH,
    "message_id": MAX_ID_LENGTH,
    "zaap_id": MAX_ID_LENGTH,
    "reference": MAX_REFERENCE_LENGTH,
    "label": MAX_LABEL_LENGTH,
}
_NEEDED: Final = {"zapi_instance_id", "message_id"}
# Control characters and lone surrogates: pages cannot show them and PostgreSQL rejects some.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One message's label. The ids are Z-API's."""

    zapi_instance_id: str
    message_id: str
    reference: str
    label: str
    zaap_id: str = ""

    @property
    def message(self) -> tuple[str, str]:
        return self.zapi_instance_id, self.message_id


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in the entry at `position` (from 0); `field` is "" for the whole entry."""

    position: int
    field: str
    message: str


def read_entries(raw: Sequence[Any]) -> tuple[list[Entry], list[Fault]]:
    """All entries if they are valid, otherwise only the faults."""
    faults = [fault for position, one in enumerate(raw) for fault in _faults(position, one)]
    if faults:
        return [], faults
    entries = [Entry(**{name: one.get(name, "").strip() for name in _CAPS}) for one in raw]
    return entries, _repeated(entries)


def _faults(position: int, raw: Any) -> list[Fault]:
    if not isinstance(raw, Mapping):
        return [Fault(position, "", _("Each label must be a JSON object."))]
    texts = {name: raw.get(name, "") for name in _CAPS}
    faults = [
        Fault(position, name, message)
        for name, cap in _CAPS.items()
        if (message := _fault_of(texts[name], cap, is_needed=name in _NEEDED))
    ]
    faults += [
        Fault(position, str(name)[:MAX_ID_LENGTH], _("Unknown field."))
        for name in raw
        if name not in _CAPS
    ]
    if not faults and not (texts["reference"].strip() or texts["label"].strip()):
        faults.append(Fault(position, "", _("Give a reference, a label, or both.")))
    return faults


def _fault_of(text: Any, cap: int, *, is_needed: bool) -> str:
    if not isinstance(text, str):
        return _("Must be a string.")
    if _UNPRINTABLE.search(text):
        return _("Contains a line break or another unprintable character.")
    if len(text.strip()) > cap:
        return _("Longer than %(cap)d characters.") % {"cap": cap}
    return _("Required.") if is_needed and not text.strip() else ""


def _repeated(entries: Sequence[Entry]) -> list[Fault]:
    seen: set[tuple[str, str]] = set()
    faults = []
    for position, entry in enumerate(entries):
        ids = {"message_id": entry.message_id, "zaap_id": entry.zaap_id}
        named = {name: (entry.zapi_instance_id, one) for name, one in ids.items() if one}
        if repeated := [name for name, message in named.items() if message in seen]:
            message = _("This message appears twice.")
            faults.append(Fault(position, repeated[0], message))
        seen.update(named.values())
    return faults
