"""WhatsApp addresses: their kind, their different forms, display, and masking of numbers in text.

Z-API puts phones, groups, broadcast lists and LIDs into the same fields. A LID is WhatsApp's
private id of a person. It cannot be converted to a number.
"""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

HOME_REGION: Final = "BR"

# Includes the hyphens and spaces that a pasted number can contain.
_PUNCTUATION = re.compile(r"[\s()./+\-\u2010-\u2015\u200e\u202a-\u202c\u2060]+")
# Addresses and pasted text are shorter. The limits bound the time: Unicode normalization is
# quadratic, and a search for numbers in a whole file is slow.
_MAX_TEXT_LENGTH: Final = 10_000
_MAX_PASTED_LENGTH: Final = 512
# Characters that may surround a copied number: quotes, brackets, separators.
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
LIST_SUFFIXES: Final = ("-broadcast", "@broadcast")
CHANNEL_SUFFIX: Final = "@newsletter"
# The address of our own status posts.
STATUS_ADDRESS: Final = "status@broadcast"
# The device and WhatsApp's host after a person's number or LID, as in `5544…:12@s.whatsapp.net`,
# `5544….0:12@s.whatsapp.net` and `2000…:11@lid`.
_PERSONAL_HOST = re.compile(
    r"(?<=[0-9])(?:(?:[._][0-9]{1,3})?:(?P<device>[0-9]{1,5}))?"
    r"@(?:(?P<lid>lid|hosted\.lid)|c\.us|s\.whatsapp\.net|hosted)\Z",
    re.IGNORECASE,
)
# Brazil added a 9 before mobile numbers (2012 to 2016), and WhatsApp kept many without it. Old
# mobile numbers begin with 6 to 9. A number that begins with 2 to 5 is a landline.
_BRAZILIAN_MOBILE = re.compile(r"(55[1-9]\d)9?([6-9]\d{7})")
_MOBILE_WITHOUT_9 = re.compile(r"(55[1-9]\d)([6-9]\d{0,7})")
# A possible number in a text: eight digits or more, with separators between them. Ids and dates
# also have eight digits, so the group `none` matches (and skips) them first.
_NUMBER_IN_TEXT = re.compile(
    r"(?P<none>(?<!\w)(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|(?=\d*[a-f])[0-9a-f]{16,}"
    r"|(?:19|20)\d\d-[01]\d-[0-3]\d)(?!-?\w))"
    r"|\+?\(?(?P<number>\d(?:[\s().+\-\u00ad\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2060]{0,3}\d){7,})",
    re.IGNORECASE,
)
# Fewer digits are never taken for a number.
_FEWEST_DIGITS: Final = 8
# Digits that are certainly not a phone number: a UUID, a WhatsApp message id, a date or datetime,
# an amount of money. Any other digits may be one.
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
# The device and the host at the end of an address. It matches unknown hosts too.
_DEVICE_AND_HOST = re.compile(r"(?::[0-9]+)?@[^@]*\Z")
# How many digits of a masked number stay visible.
_SHOWN_DIGITS: Final = 2
# As dialled within Brazil: 0, optionally the carrier, then the area code.
_DIALLED = re.compile(r"0(?:\d\d)?([1-9]\d\d{8,9})")
# A LID without `@lid` has 15 digits, like the longest phone numbers, but is not a valid phone
# number. Fewer digits are a phone number.
_DIGITS_OF_BARE_LID: Final = 15
_BARE_LID = re.compile(rf"[1-9][0-9]{{{_DIGITS_OF_BARE_LID - 1}}}")
# Looking up numbering plans is slow, and the same numbers are looked up often.
_cached = lru_cache(maxsize=4096)


class AddressKind(StrEnum):
    PHONE = "phone"
    GROUP = "group"
    LID = "lid"
    LIST = "list"
    CHANNEL = "channel"
    STATUS = "status"
    OTHER = "other"

    @property
    def has_many_recipients(self) -> bool:
        """Whether a message to such an address reaches several people."""
        return self in _SHARED


_KINDS_BY_SUFFIX: Final = (
    (AddressKind.LID, ("@lid",)),
    (AddressKind.GROUP, _GROUP_SUFFIXES),
    # Must come before LIST, because the status address also has the suffix of a list
    # (`@broadcast`).
    (AddressKind.STATUS, (STATUS_ADDRESS,)),
    (AddressKind.LIST, LIST_SUFFIXES),
    (AddressKind.CHANNEL, (CHANNEL_SUFFIX,)),
)
_SHARED = {AddressKind.GROUP, AddressKind.LIST, AddressKind.CHANNEL, AddressKind.STATUS}


def digits_of(text: str) -> str:
    """The digits of a number in any format, or '' if `text` contains anything else."""
    if _is_digits(text):
        return text
    if len(text) > _MAX_PASTED_LENGTH:
        return ""
    digits = _PUNCTUATION.sub("", text)
    return digits if _is_digits(digits) else ""


def clean_input(text: str) -> str:
    """The address in a typed or pasted text, without quotes, brackets, link, host and device."""
    text = unicodedata.normalize("NFKC", text[:_MAX_PASTED_LENGTH]).strip(_AROUND)
    if link := _LINK.match(text):
        text = re.split(r"[?&;]", text[link.end() :], maxsplit=1)[0]
    return without_device(text).strip()


def without_device(address: str) -> str:
    """A person's address without device and host: digits only, or a LID that ends with `@lid`.

    Other addresses are returned unchanged, including a LID without `@lid`.
    """
    if _is_digits(address) or len(address) > _MAX_PASTED_LENGTH:
        return address
    return _PERSONAL_HOST.sub(lambda found: "@lid" if found["lid"] else "", address)


def device_in(address: str) -> str:
    """The device that `without_device` removes, or '' if there is none."""
    found = _PERSONAL_HOST.search(address)
    return (found["device"] or "") if found else ""


def stored_forms(address: str) -> tuple[str, ...]:
    """All forms in which the database may hold this address, the form that Z-API uses first."""
    kind = kind_of(address)
    if kind is AddressKind.LIST:
        return tuple(f"{_bare(address)}{suffix}" for suffix in LIST_SUFFIXES)
    if kind is not AddressKind.GROUP:
        return ninth_digit_forms(address)
    bare = _bare(address)
    if _OLD_GROUP.fullmatch(bare):
        forms = [bare, address]
    elif address == bare:  # it may also be the id of a channel
        forms = [f"{bare}-group", bare, f"{bare}{CHANNEL_SUFFIX}"]
    else:
        forms = [f"{bare}-group", address]
    return tuple(dict.fromkeys(forms))


def _bare(address: str) -> str:
    for suffix in (*_GROUP_SUFFIXES, *LIST_SUFFIXES):
        address = address.removesuffix(suffix)
    return address


def kind_of(address: str) -> AddressKind:
    # A shortcut for nearly all addresses: only a phone has so few characters, all of them digits.
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


def ninth_digit_forms(number: str) -> tuple[str, ...]:
    """The number itself and, for a Brazilian mobile number, its other ninth-digit form."""
    match = _BRAZILIAN_MOBILE.fullmatch(number)
    if not match:
        return (number,)
    area, rest = match.groups()
    forms = (f"{area}9{rest}", f"{area}{rest}")
    return forms if number == forms[0] else forms[::-1]


def prefix_forms(part: str) -> tuple[str, ...]:
    """The beginning of a number, and the form with the ninth digit if that may be missing."""
    match = _MOBILE_WITHOUT_9.fullmatch(part)
    return (part, f"{match[1]}9{match[2]}") if match else (part,)


def person_key(address: str) -> str:
    """A text that is the same for all addresses that certainly belong to one person.

    A LID gets the suffix `@lid`. A Brazilian mobile number gets its ninth digit if it lacks it.
    Other addresses stay unchanged.
    """
    match kind_of(address):
        case AddressKind.LID:
            return f"{without_device(address).removesuffix('@lid')}@lid"
        case AddressKind.PHONE:
            return max(ninth_digit_forms(_phone_digits(address)), key=len)
        case _:
            return address


def same_person(one: str, other: str) -> bool:
    return person_key(one) == person_key(other)


@_cached
def display(address: str) -> str:
    """The number as people write it: "+55 44 99999-9999". Other addresses stay unchanged."""
    if kind_of(address) is not AddressKind.PHONE:
        return address
    digits = _phone_digits(address)
    match = _BRAZILIAN_MOBILE.fullmatch(digits)
    if match and len(digits) == 12:  # numbering plans no longer have the old form
        return f"+{digits[:2]} {digits[2:4]} {digits[4:8]}-{digits[8:]}"
    number = _parse(digits)
    if number is None or not phonenumbers.is_valid_number(number):
        return digits
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def masked(number: str) -> str:
    """The last two digits: `•••• 99`. Enough to distinguish two numbers, not enough to call."""
    return f"•••• {_digits_in(number)[-_SHOWN_DIGITS:]}".rstrip()


def without_host(address: str) -> str:
    """The address without its device and without any host, known or not."""
    return _DEVICE_AND_HOST.sub("", address)


def contains_number(text: str) -> bool:
    return any(found["number"] for found in _NUMBER_IN_TEXT.finditer(text))


def find_numbers(text: str) -> list[str]:
    """The possible numbers in a text, as they are written there."""
    return [found[0] for found in _NUMBER_IN_TEXT.finditer(text) if found["number"]]


def mask_numbers(text: str) -> str:
    """The text with every possible number in it masked.

    Ids, dates and amounts are never masked. If fewer than eight digits remain, nothing is masked.
    Otherwise all other digits are masked, even if words separate them. If only punctuation
    separates eight or more digits, their last two stay visible, as in `masked`. A text of more than
    10,000 characters is masked completely, but no masked field is that long.
    """
    if len(text) > _MAX_TEXT_LENGTH:
        return masked("")
    shape = _with_plain_digits(text)
    found = [one for one in _DIGITS.finditer(shape) if one["none"] is None]
    if sum(_number_of_digits(one[0]) for one in found) < _FEWEST_DIGITS:
        return text
    parts, end = [], 0
    for one in found:
        is_long = _number_of_digits(one[0]) >= _FEWEST_DIGITS
        parts += [text[end : one.start()], masked(text[one.start() : one.end()] if is_long else "")]
        end = one.end()
    return "".join([*parts, text[end:]])


def _with_plain_digits(text: str) -> str:
    """A text of the same length in which each digit of another script is a 0."""
    if text.isascii():
        return text
    return "".join("0" if one.isnumeric() and not one.isascii() else one for one in text)


def _digits_in(text: str) -> str:
    return "".join(filter(str.isnumeric, text))


def _number_of_digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def format_international(number: str) -> str:
    """Format a number in international notation.

    This also works if the numbering plan no longer contains the number. WhatsApp keeps some numbers
    as they were before the country changed them.
    """
    shown, parsed = display(number), _parse(_phone_digits(number))
    if shown.startswith("+") or parsed is None:
        return shown
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)


def full_numbers(text: str) -> tuple[str, ...]:
    """The full numbers, with country code, that `text` can mean.

    It can be the international number as typed, or a Brazilian local number. Returns () if `text`
    is only part of a number.
    """
    text = clean_input(text)
    digits = digits_of(text)
    candidates = [digits.removeprefix("00")]
    if not text.startswith("+") and not digits.startswith("00"):
        dialled = _DIALLED.fullmatch(digits)
        local = dialled[1] if dialled else digits
        candidates.append(f"{phonenumbers.country_code_for_region(HOME_REGION)}{local}")
    return tuple(number for number in candidates if _is_full_number(number))


def _is_full_number(digits: str) -> bool:
    return bool(_BRAZILIAN_MOBILE.fullmatch(digits)) or _is_valid(digits)


def _phone_digits(address: str) -> str:
    return digits_of(without_device(address))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


@_cached
def _is_valid(digits: str) -> bool:
    number = _parse(digits)
    return number is not None and phonenumbers.is_valid_number(number)


def _parse(digits: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(f"+{digits}")
    except NumberParseException:
        return None
