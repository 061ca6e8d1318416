"""Looks up what a search refers to: linked addresses, labelled ids, ids by their beginning."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messages.accounts.masking import sees_phones
from messages.accounts.number_search_limits import record_no_result, wait_to_search
from messages.accounts.scope import Viewer, limited_to
from messages.domain import addresses as phones
from messages.domain.addresses import AddressKind
from messages.models import (
    Alias,
    Instance,
    KnownAddress,
    Label,
    LastDigits,
    Message,
    OtherAddress,
)
from messages.models.label import folded

from .parser import Meaning, Search

# The newest messages with a matching label, or with a matching second address.
MAX_MATCHES: Final = 500
# If more addresses than this contain the searched digits, the digits are common. Then searching the
# newest messages fills a page sooner than searching by address.
MAX_ADDRESSES: Final = 500
# A beginning this short (+55 44) is common, so scanning the newest messages fills a page sooner.
_SHORT_PREFIX: Final = 6
# If there are more LIDs, the description counts them instead of listing them.
MAX_NAMED: Final = 3
MIN_LABEL_LENGTH: Final = 3
# Ignored around the words of a label.
_PUNCTUATION: Final = "\"'“”‘’«»()[]{}.,;:!?#"
# "nº", "n°" and "n" are the same word, and "1ª" and "1".
_ORDINALS: Final = str.maketrans(dict.fromkeys("ºª°"))


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search refers to.

    `others`: primary keys of messages for which a searched address is only a second address.
    `aliases`: linked addresses of the same people, incomplete if `has_more_aliases`.
    `holding`: the addresses that contain the searched digits. If there are too many, it is empty,
    and `part` contains the digits to search for in the messages.
    `ids_by_prefix`: ids that start with the text.
    """

    meaning: Meaning
    ids: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    others: tuple[int, ...] = ()
    holding: tuple[str, ...] = ()
    part: str = ""
    aliases: tuple[str, ...] = ()
    has_more_aliases: bool = False
    ids_by_prefix: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """Sentences about the ids and aliases that the search includes; "" if there are none."""
        return " ".join(filter(None, [self._begun_description, self._aliases_description]))

    @property
    def _begun_description(self) -> str:
        if len(self.ids_by_prefix) == MAX_MATCHES:
            words = _(
                "Includes %(count)d message ids that start with this text. Type more of the id "
                "to get fewer results."
            )
            return words % {"count": MAX_MATCHES}
        return _("Includes message ids that start with this text.") if self.ids_by_prefix else ""

    @property
    def _aliases_description(self) -> str:
        lids = [one for one in self.aliases if phones.kind_of(one) is AddressKind.LID]
        names = ", ".join(
            phones.format_international(one) for one in self.aliases if one not in lids
        )
        numbers = _("Includes the linked number: %(names)s.") % {"names": names}
        return " ".join([*self._lids_description(lids), *([numbers] if names else [])])

    def _lids_description(self, lids: list[str]) -> Iterator[str]:
        values = {"count": len(lids), "names": ", ".join(lids)}
        if self.has_more_aliases:
            words = _("Includes %(count)d linked LIDs. Type more digits to narrow it down.")
            yield words % values
        elif len(lids) > MAX_NAMED:
            yield _("Includes %(count)d linked LIDs.") % values
        elif lids:
            words = ngettext(
                "Includes the linked LID: %(names)s.",
                "Includes the linked LIDs: %(names)s.",
                len(lids),
            )
            yield words % values


def find_matches(search: Search, user: Viewer) -> Matches:
    """Return what the search refers to.

    Viewers who may not see numbers find messages only by id or label here: with parts of numbers
    they could guess them digit by digit.
    """
    if wait_to_search(user, search.text):
        return Matches(search.meaning, ())
    labelled = _labelled_ids(search, user)
    if not labelled:
        record_no_result(user, search.text)
    ids_by_prefix = ids_starting_with_text(search, user)
    ids = (*Label.objects.same_ids(search.ids), *labelled, *ids_by_prefix)
    if search.is_for_person and not sees_phones(user):
        return Matches(search.meaning, ids, ids_by_prefix=ids_by_prefix)
    if search.part:
        return replace(_of_part(search, ids, user), ids_by_prefix=ids_by_prefix)
    aliases = aliases_of(search.addresses, user)
    addresses = (*search.addresses, *aliases)
    others = messages_with_other_address(addresses, user)
    return Matches(
        search.meaning,
        ids,
        addresses,
        others,
        aliases=_one_form_each(aliases),
        ids_by_prefix=ids_by_prefix,
    )


def _of_part(search: Search, ids: tuple[str, ...], user: Viewer) -> Matches:
    holding = _addresses_with_part(search)
    found = _linked_lids(search, holding or (), user)
    lids = found[:MAX_ADDRESSES]
    return Matches(
        search.meaning,
        ids,
        addresses=lids,
        others=messages_with_other_address(lids, user),
        holding=holding or (),
        part=search.part if holding is None else "",
        aliases=lids,
        has_more_aliases=len(found) > len(lids),
    )


def aliases_of(addresses: Iterable[str], user: Viewer) -> tuple[str, ...]:
    """All other addresses of the same people, numbers with and without the ninth digit.

    All numbers of one LID belong to one person, but a number may get a new owner and so a new LID.
    """
    people = {
        phones.person_key(one) for one in addresses if not phones.kind_of(one).has_many_recipients
    }
    if not people:
        return ()
    tied_to = limited_to(user, Alias.objects.filter(Q(number__in=people) | Q(lid__in=people)))
    seen = limited_to(user, Alias.objects.filter(lid__in=tied_to.values("lid")))
    tied = {address for pair in seen.values_list("lid", "number") for address in pair} - people
    return tuple(form for person in sorted(tied) for form in phones.ninth_digit_forms(person))


def numbers_of_lids(lids: Iterable[str], user: Viewer) -> dict[str, str]:
    """The number of each LID, if it was always seen with the same one."""
    wanted = set(lids)
    if not wanted:
        return {}
    seen: dict[str, set[str]] = defaultdict(set)
    for lid, number in limited_to(user, Alias.objects.filter(lid__in=wanted)).values_list(
        "lid", "number"
    ):
        seen[lid].add(number)
    return {lid: numbers.pop() for lid, numbers in seen.items() if len(numbers) == 1}


def labels_found(matches: Matches, instances: Iterable[Instance]) -> list[Label]:
    """Labels that match, whether or not Z-API has reported the message; up to MAX_NAMED."""
    ids = [one for one in matches.ids if one]
    found = Label.objects.filter(instance__in=instances).named(ids)
    return list(found.order_by("-pk")[:MAX_NAMED])


def ids_starting_with_text(search: Search, user: Viewer) -> tuple[str, ...]:
    """Up to MAX_MATCHES ids that start with the text. The query reads only the index on the ids."""
    found = (
        one
        for part in search.id_prefixes
        for column in ("zapi_id", "zaap_id")
        for one in ids_with_prefix(column, part, user)[:MAX_MATCHES]
    )
    return tuple(dict.fromkeys(found))[:MAX_MATCHES]


def ids_with_prefix(column: str, part: str, user: Viewer) -> QuerySet[Message, str]:
    wanted = {f"{column}__gte": part, f"{column}__startswith": part}
    if beyond := _after_prefix(part):
        wanted[f"{column}__lt"] = beyond
    longer = Message.objects.exclude(**{column: ""}).exclude(**{column: part}).filter(**wanted)
    return limited_to(user, longer).order_by(column).values_list(column, flat=True)


def _after_prefix(part: str) -> str:
    """A text that sorts after every text that starts with `part`, in every collation.

    It is "" if there is none. In a database with a language-specific collation, LIKE alone cannot
    use the index. In all of them digits sort before letters, as in ASCII, and Z before other signs.
    """
    kept = part.rstrip("Zz")
    if not kept:
        return ""
    return kept[:-1] + ("A" if kept[-1] == "9" else chr(ord(kept[-1]) + 1))


def messages_with_other_address(addresses: Iterable[str], user: Viewer) -> tuple[int, ...]:
    if not addresses:
        return ()
    found = limited_to(user, OtherAddress.objects.filter(phone__in=addresses), "message__instance")
    return tuple(found.order_by("-message").values_list("message", flat=True)[:MAX_MATCHES])


def part_filter(column: str, meaning: Meaning, part: str) -> Q:
    match meaning:
        case Meaning.BEGINNING if connection.vendor == "sqlite" and len(part) > _SHORT_PREFIX:
            # On SQLite, LIKE scans every row. A range condition uses the index.
            beyond = part[:-1] + chr(ord(part[-1]) + 1)
            return Q(**{f"{column}__gte": part, f"{column}__lt": beyond})
        case Meaning.BEGINNING:
            return Q(**{f"{column}__startswith": part})
        case Meaning.END:
            return Q(Exact(LastDigits(column), part))
        case _:
            return Q(**{f"{column}__contains": part})


def _addresses_with_part(search: Search) -> tuple[str, ...] | None:
    """None if there are too many, or if the index of messages finds them as quickly."""
    if search.meaning is Meaning.BEGINNING:
        return None
    found = KnownAddress.objects.filter(part_filter("address", search.meaning, search.part))
    addresses = tuple(found.values_list("address", flat=True)[: MAX_ADDRESSES + 1])
    return addresses if len(addresses) <= MAX_ADDRESSES else None


def _linked_lids(search: Search, holding: Iterable[str], user: Viewer) -> tuple[str, ...]:
    """LIDs linked to numbers that contain the part, up to one more than are searched.

    Aliases store numbers with the ninth digit. Some numbers contain the digits only if the ninth
    digit is removed. `holding` and phones.prefix_forms() find these too.
    """
    is_beginning = search.meaning is Meaning.BEGINNING
    people = {phones.person_key(address) for address in holding}
    wanted = Q(number__in={person for person in people if search.part not in person})
    for part in phones.prefix_forms(search.part) if is_beginning else [search.part]:
        wanted |= part_filter("number", search.meaning, part)
    found = limited_to(user, Alias.objects.filter(wanted))
    return tuple(dict.fromkeys(found.values_list("lid", flat=True)[: MAX_ADDRESSES + 1]))


def _labelled_ids(search: Search, user: Viewer) -> tuple[str, ...]:
    if len(search.text) < MIN_LABEL_LENGTH:
        return ()
    found = limited_to(user, Label.objects.filter(_label_filter(search, user))).order_by("-pk")
    pairs = found.values_list("zapi_id", "zaap_id")[:MAX_MATCHES]
    return tuple(one for pair in pairs for one in pair if one)


def labels_matching(search: Search, user: Viewer) -> Q:
    """The labels with this id, reference or text."""
    ids = search.ids
    by_id = Q(zapi_id__in=ids) | Q(~Q(zaap_id=""), zaap_id__in=ids)
    return by_id | _label_filter(search, user) if len(search.text) >= MIN_LABEL_LENGTH else by_id


def _label_filter(search: Search, user: Viewer) -> Q:
    wanted = Q(reference__in=search.references)
    # Search the text that this viewer may read, so that hidden digits cannot be guessed.
    read = "label_folded" if sees_phones(user) else "label_masked"
    if parts := _parts_of_label(search.text):
        wanted |= Q(*((f"{read}__contains", part) for part in parts))
    return wanted


def _parts_of_label(text: str) -> list[str]:
    """The words that a label must contain, in any order; the whole text if all are short."""
    whole = folded(text.translate(_ORDINALS)).strip()
    if len(whole) < MIN_LABEL_LENGTH:
        return []
    words = {word for one in whole.split() if (word := one.strip(_PUNCTUATION))}
    return sorted(words) if max(map(len, words), default=0) >= MIN_LABEL_LENGTH else [whole]


def _one_form_each(aliases: Iterable[str]) -> tuple[str, ...]:
    """One form of each number, for the description."""
    return tuple(dict.fromkeys(phones.person_key(alias) for alias in aliases))
