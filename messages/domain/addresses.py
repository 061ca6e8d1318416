"""Whom an address of WhatsApp means, and how a person writes it.

Z-API puts phones, groups, broadcast lists and LIDs into the same fields. A LID is WhatsApp's
private id of a person: no rule turns it into a number, so none here tries.
"""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

HOME_REGION: Final = "BR"

# With the hyphens and spaces that come along when a number is pasted.
_PUNCTUATION = re.compile(r"[\s()./+\-\u2010-\u2015\u200e\u202a-\u202c\u2060]+")
# Addresses, and what people paste, are shorter. Normalizing Unicode takes the square of a text's
# length, and looking for numbers is slow enough that nobody may ask for it in a whole file.
_MAX_TEXT_LENGTH: Final = 10_000
_MAX_PASTED_LENGTH: Final = 512
# What stands around a number where it was copied: quotes, brackets, the end of a cell, a link.
_AROUND = "\"'`“”„‘’‚«»‹›<>[]{};, \t"
_LINK = re.compile(
    r"(?:https?://(?:api|web)\.whatsapp\.com/|whatsapp://)send/?\?phone="
    r"|(?:https?://)?(?:www\.)?wa\.me/"
    r"|(?:tel|whatsapp):",
    re.IGNORECASE,
)
_OLD_GROUP = re.compile(r"\d{8,15}-\d{8,12}")
_UNMARKED_GROUP = re.compile(rf"{_OLD_GROUP.pattern}|1203[0-9]{{14}}")
_GROUP_SUFFIXES = ("-group", "@g.us")
_BROADCAST_SUFFIXES = ("-broadcast", "@broadcast")
_CHANNEL_SUFFIX = "@newsletter"
# The list of all who see what an account posts as its status.
_STATUS = "status@broadcast"
# Behind the number or LID of one person: which device, and WhatsApp's host, as in
# `5544…:12@s.whatsapp.net`, `5544….0:12@s.whatsapp.net` and `2000…:11@lid`.
_PERSONAL_HOST = re.compile(
    r"(?<=[0-9])(?:(?:[._][0-9]{1,3})?:(?P<device>[0-9]{1,5}))?"
    r"@(?:(?P<lid>lid|hosted\.lid)|c\.us|s\.whatsapp\.net|hosted)\Z",
    re.IGNORECASE,
)
# Brazil added a 9 before mobile numbers (2012 to 2016); WhatsApp kept many without it. Only numbers
# that began with 6 to 9 are the old ones: with 2 to 5 the form without the 9 is someone's landline.
_BRAZILIAN_MOBILE = re.compile(r"(55[1-9]\d)9?([6-9]\d{7})")
_MOBILE_WITHOUT_9 = re.compile(r"(55[1-9]\d)([6-9]\d{0,7})")
# What may be a number in somebody's words: eight digits or more, with what people write between
# them. Ids and dates have as many, so these are taken first, and left as they are.
_IN_WORDS = re.compile(
    r"(?P<none>(?<!\w)(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|(?=\d*[a-f])[0-9a-f]{16,}"
    r"|(?:19|20)\d\d-[01]\d-[0-3]\d)(?!-?\w))"
    r"|\+?\(?(?P<number>\d(?:[\s().+\-\u00ad\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2060]{0,3}\d){7,})",
    re.IGNORECASE,
)
# The shortest whole number that is told from other digits. With fewer than these there is none.
_FEWEST_DIGITS: Final = 8
# Digits of which the form says that they are no number: a UUID, WhatsApp's id of a message, a date
# with or without a time, an amount of money. All else may be one, whatever stands between.
_NO_NUMBER = r"""
    (?<![\w+/.-])(?:
        (?=(?:[0-9-]*[a-f]){4})
        [0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}
      | (?=(?:[0-9]*[a-f]){4})(?![0-9a-f]*[0-9]{8})
        (?:3EB0[0-9a-f]{12,18}|3A[0-9a-f]{18}|[0-9a-f]{32})
      | (?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]
        (?:[T\ ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?
        (?:Z|[+-][0-9]{2}:?[0-9]{2})?)?
      | [0-3][0-9]/[01][0-9]/(?:19|20)[0-9]{2}
      | R\$\ ?[0-9]{1,3}(?:\.[0-9]{3})?,[0-9]{2}
    )(?![\w/-]|[.:][0-9])
"""
_DIGITS = re.compile(
    rf"(?P<none>{_NO_NUMBER})|\+?\(?[0-9](?:[\W_]{{0,4}}[0-9])*", re.IGNORECASE | re.VERBOSE
)
# Any host, be it one of those that are known or not.
_DEVICE_AND_HOST = re.compile(r"(?::[0-9]+)?@[^@]*\Z")
# Of a number that is hidden.
_SHOWN_DIGITS: Final = 2
# As it is dialled within Brazil: 0, perhaps which carrier is to carry it, the area code.
_DIALLED = re.compile(r"0(?:\d\d)?([1-9]\d\d{8,9})")
# A LID without its mark is known by having as many digits as the longest phone numbers have, and
# being none of the few of them. With fewer digits it is a number.
_DIGITS_OF_BARE_LID: Final = 15
_BARE_LID = re.compile(rf"[1-9][0-9]{{{_DIGITS_OF_BARE_LID - 1}}}")
# To ask the numbering plans takes long, and the same people come again and again.
_remembered = lru_cache(maxsize=4096)


class AddressKind(StrEnum):
    PHONE = "phone"
    GROUP = "group"
    LID = "lid"
    BROADCAST = "broadcast"
    CHANNEL = "channel"
    OTHER = "other"

    @property
    def is_of_many(self) -> bool:
        """Whether one message to it reaches several people."""
        return self in _OF_MANY


_KINDS_BY_SUFFIX: Final = (
    (AddressKind.LID, ("@lid",)),
    (AddressKind.GROUP, _GROUP_SUFFIXES),
    (AddressKind.BROADCAST, _BROADCAST_SUFFIXES),
    (AddressKind.CHANNEL, (_CHANNEL_SUFFIX,)),
)
_OF_MANY = {AddressKind.GROUP, AddressKind.BROADCAST, AddressKind.CHANNEL}


def digits_of(text: str) -> str:
    """The digits of a number in any writing; '' where `text` holds anything that is no number."""
    if _is_digits(text):
        return text
    if len(text) > _MAX_PASTED_LENGTH:
        return ""
    digits = _PUNCTUATION.sub("", text)
    return digits if _is_digits(digits) else ""


def plain(text: str) -> str:
    """What was typed or pasted, without what only stands around an address."""
    text = unicodedata.normalize("NFKC", text[:_MAX_PASTED_LENGTH]).strip(_AROUND)
    if link := _LINK.match(text):
        text = re.split(r"[?&;]", text[link.end() :], maxsplit=1)[0]
    return without_device(text).strip()


def without_device(address: str) -> str:
    """The one writing of a person's address: a number alone, or a LID with `@lid` behind it.

    All other addresses stay as they are, a LID without `@lid` among them.
    """
    if _is_digits(address) or len(address) > _MAX_PASTED_LENGTH:
        return address
    return _PERSONAL_HOST.sub(lambda found: "@lid" if found["lid"] else "", address)


def device_in(address: str) -> str:
    """The digits that `without_device` takes away, '' where there are none."""
    found = _PERSONAL_HOST.search(address)
    return (found["device"] or "") if found else ""


def writings(address: str) -> tuple[str, ...]:
    """The ways in which one and the same address may be stored, Z-API's own first."""
    if address.endswith(_BROADCAST_SUFFIXES) and address != _STATUS:
        return tuple(f"{_bare(address)}{suffix}" for suffix in _BROADCAST_SUFFIXES)
    if kind_of(address) is not AddressKind.GROUP:
        return both_forms(address)
    bare = _bare(address)
    if _OLD_GROUP.fullmatch(bare):
        forms = [bare, address]
    elif address == bare:  # channels have ids of the same form
        forms = [f"{bare}-group", bare, f"{bare}{_CHANNEL_SUFFIX}"]
    else:
        forms = [f"{bare}-group", address]
    return tuple(dict.fromkeys(forms))


def _bare(address: str) -> str:
    for suffix in (*_GROUP_SUFFIXES, *_BROADCAST_SUFFIXES):
        address = address.removesuffix(suffix)
    return address


def kind_of(address: str) -> AddressKind:
    # As nearly all of them are written; no other kind has so few digits and nothing else.
    if len(address) < _DIGITS_OF_BARE_LID and _is_digits(address):
        return AddressKind.PHONE
    address = without_device(address)
    for kind, suffixes in _KINDS_BY_SUFFIX:
        if address.endswith(suffixes):
            return kind
    if _UNMARKED_GROUP.fullmatch(address):
        return AddressKind.GROUP
    # A participant's LID comes without its suffix.
    if _BARE_LID.fullmatch(address) and not _is_valid(address):
        return AddressKind.LID
    return AddressKind.PHONE if _phone_digits(address) else AddressKind.OTHER


def both_forms(number: str) -> tuple[str, ...]:
    """The number itself and, for a Brazilian mobile number, its other ninth-digit form."""
    match = _BRAZILIAN_MOBILE.fullmatch(number)
    if not match:
        return (number,)
    area, rest = match.groups()
    forms = (f"{area}9{rest}", f"{area}{rest}")
    return forms if number == forms[0] else forms[::-1]


def beginnings(part: str) -> tuple[str, ...]:
    """How a number begins, and how it does with the ninth digit where this may be without."""
    match = _MOBILE_WITHOUT_9.fullmatch(part)
    return (part, f"{match[1]}9{match[2]}") if match else (part,)


def person(address: str) -> str:
    """One and the same text for all addresses that certainly mean the same person."""
    match kind_of(address):
        case AddressKind.LID:
            return f"{without_device(address).removesuffix('@lid')}@lid"
        case AddressKind.PHONE:
            return max(both_forms(_phone_digits(address)), key=len)
        case _:
            return address


def same_person(one: str, other: str) -> bool:
    return person(one) == person(other)


@_remembered
def display(address: str) -> str:
    """As a person writes it: "+55 44 99999-9999". What is no phone number stays as it is."""
    if kind_of(address) is not AddressKind.PHONE:
        return address
    digits = _phone_digits(address)
    match = _BRAZILIAN_MOBILE.fullmatch(digits)
    if match and len(digits) == 12:  # no numbering plan knows the old form any more
        return f"+{digits[:2]} {digits[2:4]} {digits[4:8]}-{digits[8:]}"
    number = _parse(digits)
    if number is None or not phonenumbers.is_valid_number(number):
        return digits
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def hidden(number: str) -> str:
    """`•••• 99`: enough to tell two numbers apart, not enough to call.

    Without digits where `number` has few, or none.
    """
    return f"•••• {_digits_in(number)[-_SHOWN_DIGITS:]}".rstrip()


def without_host(address: str) -> str:
    """What stands before any host, without the device."""
    return _DEVICE_AND_HOST.sub("", address)


def holds_number(text: str) -> bool:
    return any(found["number"] for found in _IN_WORDS.finditer(text))


def numbers_in(text: str) -> list[str]:
    """What may be a number in somebody's words, as it is written there."""
    return [found[0] for found in _IN_WORDS.finditer(text) if found["number"]]


def without_numbers(text: str) -> str:
    """What somebody wrote, without any number that may be in it.

    A text that holds fewer than eight digits stays as it is, and so do ids, dates and amounts. Of
    all others every digit is hidden, whatever stands between: signs, spaces or whole words. Of
    eight digits or more that only signs separate, the last two stay, as in `hidden`. A text of more
    than 10,000 characters, which nothing that is masked has, is hidden as a whole.
    """
    if len(text) > _MAX_TEXT_LENGTH:
        return hidden("")
    shape = _with_plain_digits(text)
    found = [one for one in _DIGITS.finditer(shape) if one["none"] is None]
    if sum(_number_of_digits(one[0]) for one in found) < _FEWEST_DIGITS:
        return text
    parts, end = [], 0
    for one in found:
        is_long = _number_of_digits(one[0]) >= _FEWEST_DIGITS
        parts += [text[end : one.start()], hidden(text[one.start() : one.end()] if is_long else "")]
        end = one.end()
    return "".join([*parts, text[end:]])


def _with_plain_digits(text: str) -> str:
    """Of the same length; every sign that stands for a digit in any writing is a 0."""
    if text.isascii():
        return text
    return "".join("0" if one.isnumeric() and not one.isascii() else one for one in text)


def _digits_in(text: str) -> str:
    return "".join(filter(str.isnumeric, text))


def _number_of_digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def international(number: str) -> str:
    """A number of which the country code is known to be there, even where no plan has it.

    WhatsApp keeps some as they were before their country changed them.
    """
    shown, parsed = display(number), _parse(_phone_digits(number))
    if shown.startswith("+") or parsed is None:
        return shown
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)


def whole_numbers(text: str) -> tuple[str, ...]:
    """The full numbers that `text` may mean, country code first: as it is, or written at home.

    Empty where it can only be a part of a number.
    """
    text = plain(text)
    digits = digits_of(text)
    candidates = [digits.removeprefix("00")]
    if not text.startswith("+") and not digits.startswith("00"):
        dialled = _DIALLED.fullmatch(digits)
        at_home = dialled[1] if dialled else digits
        candidates.append(f"{phonenumbers.country_code_for_region(HOME_REGION)}{at_home}")
    return tuple(number for number in candidates if _is_whole(number))


def _is_whole(digits: str) -> bool:
    return bool(_BRAZILIAN_MOBILE.fullmatch(digits)) or _is_valid(digits)


def _phone_digits(address: str) -> str:
    return digits_of(without_device(address))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


@_remembered
def _is_valid(digits: str) -> bool:
    number = _parse(digits)
    return number is not None and phonenumbers.is_valid_number(number)


def _parse(digits: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(f"+{digits}")
    except NumberParseException:
        return None
