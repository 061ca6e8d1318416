"""What is kept of an inbound message: who wrote, when, and which message it answers.

Z-API "Message received" (on-message-received). Its content is dropped here, before anything is
stored. Nothing in a body is an error: a member of the wrong type counts as absent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from messages.domain import addresses
from messages.domain.addresses import AddressKind
from messages.domain.answers import AnswerKind

from .times import moment_of

_ID: Final = re.compile(r"[0-9A-Za-z_.:-]{1,128}")
_ADDRESS: Final = re.compile(r"[0-9A-Za-z_.:@-]{1,128}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{7,14}")
_LID: Final = re.compile(r"[1-9][0-9]{4,19}@lid")
_MAX_MOMMENT: Final = 40
_ADDRESSES: Final = (*("phone", "chatLid", "participantPhone", "participantLid", "senderLid"),)
_FLAGS: Final = ("fromMe", "isEdit", "waitingMessage", "isGroup", "isNewsletter", "broadcast")
_CHOICES: Final = {
    "buttonsResponseMessage": AnswerKind.BUTTON,
    "listResponseMessage": AnswerKind.LIST,
}
_REFERENCES: Final = ("referenceMessageId", "referencedMessageId", "messageId")


@dataclass(frozen=True, slots=True)
class InboundReport:
    """The facts of an inbound message. Absent texts are ''.

    `number` and `lid` are the contact's, as addresses.person_key() writes them. If `kind` is set,
    the contact answered the message `reference`. `is_writing`: the contact wrote in a chat of two.
    """

    number: str
    lid: str
    message_id: str
    momment: str
    kind: AnswerKind | None
    reference: str
    is_writing: bool

    @property
    def author(self) -> str:
        return self.number or self.lid

    @property
    def occurred_at(self) -> datetime | None:
        return moment_of(self.momment)

    @property
    def is_pair(self) -> bool:
        return bool(self.number and self.lid)


def without_content(data: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are kept, in Z-API's form. Doing this twice changes nothing."""
    kept: dict[str, Any] = {name: _address(data.get(name)) for name in _ADDRESSES}
    own = addresses.person_key(_address(data.get("connectedPhone")))
    for phone, lid in (("phone", "chatLid"), ("participantPhone", "participantLid")):
        if own and addresses.person_key(kept[phone]) == own:
            kept[phone] = kept[lid] = kept["senderLid"] = ""
    kept |= {name: _is_true(data.get(name)) for name in _FLAGS}
    kept |= {name: _id(data.get(name)) for name in ("messageId", "referenceMessageId")}
    moments = (str(data.get(name)) for name in ("momment", "moment"))
    kept["momment"] = next(
        (one for one in moments if len(one) <= _MAX_MOMMENT and moment_of(one)), ""
    )
    # Such as REVOKE, or CALL_VOICE of a missed call.
    kept["notification"] = bool(data.get("notification"))
    if "reaction" in data:
        reaction = _object(data["reaction"])
        to = _object(reaction.get("referencedMessage"))
        kept["reaction"] = {
            "value": bool(reaction.get("value")),
            "referencedMessage": {
                "messageId": _id(to.get("messageId")),
                "fromMe": to.get("fromMe") is not False,
            },
        }
    if "pollVote" in data:
        vote = _object(data["pollVote"])
        kept["pollVote"] = {
            "pollMessageId": _id(vote.get("pollMessageId")),
            "options": bool(vote.get("options")),
        }
    for name in _CHOICES:
        if choice := _object(data.get(name)):
            own = next(filter(None, (_id(choice.get(one)) for one in _REFERENCES)), "")
            kept[name] = {"referenceMessageId": own}
    return {name: value for name, value in kept.items() if value not in ("", False)}


def read_inbound(data: Mapping[str, Any]) -> InboundReport | None:
    """The facts, or None if there is none."""
    kept = without_content(data)
    is_theirs = not kept.get("fromMe")
    number, lid, is_group = _contact(kept)
    # A notification, an edit or a message that is not decrypted yet is no message of its own.
    is_message = is_theirs and not (kept.keys() & {"notification", "isEdit", "waitingMessage"})
    kind, reference = _answer(kept) if is_message else (None, "")
    is_writing = (
        is_message
        and bool(number or lid)
        and not is_group
        and not (kept.keys() & {"reaction", "pollVote", "isNewsletter", "broadcast"})
    )
    if not ((number and lid) or kind or is_writing):
        return None
    return InboundReport(
        number=number,
        lid=lid,
        message_id=kept.get("messageId", ""),
        momment=kept.get("momment", ""),
        kind=kind,
        reference=reference,
        is_writing=is_writing,
    )


def _contact(kept: Mapping[str, Any]) -> tuple[str, str, bool]:
    """The contact's number and LID, '' if not named, and whether it is a member of a group.

    `senderLid` is our own if the message is ours, and so is the participant of a group.
    """
    is_theirs = not kept.get("fromMe")
    sender = kept.get("senderLid", "") if is_theirs else ""
    is_group = (
        "isGroup" in kept
        or addresses.kind_of(kept.get("phone", "")).has_many_recipients
        or not kept.keys().isdisjoint({"participantPhone", "participantLid"})
    )
    if not is_group:
        phone = kept.get("phone", "")
        people = (phone, kept.get("chatLid") or sender)
    elif is_theirs:
        people = (kept.get("participantPhone", ""), kept.get("participantLid") or sender)
    else:
        people = ("", "")
    keys = [addresses.person_key(one) for one in people]
    number = next((one for one in keys if _is_number(one)), "")
    lid = next((one for one in keys if _LID.fullmatch(one)), "")
    return number, lid, is_group


def _answer(kept: Mapping[str, Any]) -> tuple[AnswerKind | None, str]:
    """How it answers which message. A reaction or vote that was taken back answers nothing."""
    if reaction := kept.get("reaction"):
        to = reaction["referencedMessage"]
        is_answer = reaction["value"] and to["fromMe"] and to["messageId"]
        return (AnswerKind.REACTION, to["messageId"]) if is_answer else (None, "")
    if vote := kept.get("pollVote"):
        is_answer = vote["options"] and vote["pollMessageId"]
        return (AnswerKind.VOTE, vote["pollMessageId"]) if is_answer else (None, "")
    reference = kept.get("referenceMessageId", "")
    for name, kind in _CHOICES.items():
        if choice := kept.get(name):
            chosen = choice["referenceMessageId"] or reference
            return (kind, chosen) if chosen else (None, "")
    return (AnswerKind.REPLY, reference) if reference else (None, "")


def _address(value: Any) -> str:
    """The value if it is an address of a known kind, else ''."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    is_known = _ADDRESS.fullmatch(text) and addresses.kind_of(text) is not AddressKind.OTHER
    return text if is_known else ""


def _is_number(key: str) -> bool:
    return addresses.kind_of(key) is AddressKind.PHONE and bool(_NUMBER.fullmatch(key))


def _id(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return text if _ID.fullmatch(text) else ""


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
