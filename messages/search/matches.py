"""What a search comes to once the database was asked: whose an address is, what a text labels."""

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
from messages.accounts.number_search_limits import note_nothing_found, wait_to_search
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

# Of the messages that one text labels, or one address is a second one of, the newest.
MAX_MATCHES: Final = 500
# More addresses than these hold a part that is common: among the newest messages a page is soon
# full, and the addresses need not be named.
MAX_HOLDING: Final = 500
# A beginning of so few digits (+55 44) is that of many: among the newest a page is soon full.
_COMMON: Final = 6
# More LIDs than these are counted, not named.
MAX_NAMED: Final = 3
SHORTEST_LABEL: Final = 3
# Stand around the words of a label, and need not be typed.
_PUNCTUATION: Final = "\"'“”‘’«»()[]{}.,;:!?#"


@dataclass(frozen=True, slots=True)
class Matches:
    """`others` are messages, by primary key, that have a wanted address, but not as their main one.

    `aliases` are those of the addresses that were not asked for, but are the same person; not all
    of them where `has_more_aliases`.
    `holding` are the addresses that hold a part of a number, `part` what the messages themselves
    are still to be searched for.
    `begun` are the ids that the text is only the beginning of.
    """

    meaning: Meaning
    ids: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    others: tuple[int, ...] = ()
    holding: tuple[str, ...] = ()
    part: str = ""
    aliases: tuple[str, ...] = ()
    has_more_aliases: bool = False
    begun: tuple[str, ...] = ()

    @property
    def understood(self) -> str:
        """The sentences about ids and aliases that were found besides; '' where none were."""
        return " ".join(filter(None, [self._begun_understood, self._aliases_understood]))

    @property
    def _begun_understood(self) -> str:
        if len(self.begun) == MAX_MATCHES:
            words = _(
                "Includes %(count)d message ids that start with it. Type more of the id "
                "to narrow it down."
            )
            return words % {"count": MAX_MATCHES}
        return _("Includes message ids that start with it.") if self.begun else ""

    @property
    def _aliases_understood(self) -> str:
        lids = [one for one in self.aliases if phones.kind_of(one) is AddressKind.LID]
        names = ", ".join(phones.international(one) for one in self.aliases if one not in lids)
        numbers = _("Includes the linked number: %(names)s.") % {"names": names}
        return " ".join([*self._lids_understood(lids), *([numbers] if names else [])])

    def _lids_understood(self, lids: list[str]) -> Iterator[str]:
        told = {"count": len(lids), "names": ", ".join(lids)}
        if self.has_more_aliases:
            words = _("Includes %(count)d linked LIDs. Type more digits to narrow it down.")
            yield words % told
        elif len(lids) > MAX_NAMED:
            yield _("Includes %(count)d linked LIDs.") % told
        elif lids:
            words = ngettext(
                "Includes the linked LID: %(names)s.",
                "Includes the linked LIDs: %(names)s.",
                len(lids),
            )
            yield words % told


def matches_of(search: Search, user: Viewer) -> Matches:
    """Who may not see numbers finds nobody by one: digit by digit, it could be guessed."""
    if wait_to_search(user, search.text):
        return Matches(search.meaning, ())
    labelled = _labelled(search, user)
    if not labelled:
        note_nothing_found(user, search.text)
    begun = ids_beginning(search, user)
    ids = (*Label.objects.same_ids(search.ids), *labelled, *begun)
    if search.is_of_people and not sees_phones(user):
        return Matches(search.meaning, ids, begun=begun)
    if search.part:
        return replace(_of_part(search, ids, user), begun=begun)
    aliases = aliases_of(search.addresses, user)
    addresses = (*search.addresses, *aliases)
    others = messages_also_to(addresses, user)
    return Matches(search.meaning, ids, addresses, others, aliases=_told(aliases), begun=begun)


def _of_part(search: Search, ids: tuple[str, ...], user: Viewer) -> Matches:
    holding = _holding(search)
    found = _lids_seen_with(search, holding or (), user)
    lids = found[:MAX_HOLDING]
    return Matches(
        search.meaning,
        ids,
        addresses=lids,
        others=messages_also_to(lids, user),
        holding=holding or (),
        part=search.part if holding is None else "",
        aliases=lids,
        has_more_aliases=len(found) > len(lids),
    )


def aliases_of(addresses: Iterable[str], user: Viewer) -> tuple[str, ...]:
    """Every other address of the people behind these, in both forms of a number.

    All numbers of a LID are one person's; not so all LIDs of a number, which may get a new owner.
    """
    people = {phones.person(one) for one in addresses if not phones.kind_of(one).is_of_many}
    if not people:
        return ()
    tied_to = limited_to(user, Alias.objects.filter(Q(number__in=people) | Q(lid__in=people)))
    seen = limited_to(user, Alias.objects.filter(lid__in=tied_to.values("lid")))
    tied = {address for pair in seen.values_list("lid", "number") for address in pair} - people
    return tuple(form for person in sorted(tied) for form in phones.both_forms(person))


def numbers_behind(lids: Iterable[str], user: Viewer) -> dict[str, str]:
    """The number that each was seen with, where that was one and the same each time."""
    wanted = set(lids)
    if not wanted:
        return {}
    seen: dict[str, set[str]] = defaultdict(set)
    for lid, number in limited_to(user, Alias.objects.filter(lid__in=wanted)).values_list(
        "lid", "number"
    ):
        seen[lid].add(number)
    return {lid: numbers.pop() for lid, numbers in seen.items() if len(numbers) == 1}


def labelled_ids(matches: Matches, instances: Iterable[Instance]) -> tuple[str, ...]:
    """The ids under which the sender's software has labelled what was searched for.

    One of each message, whether Z-API spoke of it or not; MAX_NAMED at most.
    """
    ids = [one for one in matches.ids if one]
    found = Label.objects.filter(instance__in=instances).named(ids)
    return tuple(found.order_by("-pk").values_list("zapi_id", flat=True)[:MAX_NAMED])


def ids_beginning(search: Search, user: Viewer) -> tuple[str, ...]:
    """Whole ids of which the text is only the beginning, MAX_MATCHES at most.

    Found ahead of the messages: in the order of the ids, so that their index is all it takes.
    """
    found = (
        one
        for part in search.beginnings_of_ids
        for column in ("zapi_id", "zaap_id")
        for one in ids_with_beginning(column, part, user)[:MAX_MATCHES]
    )
    return tuple(dict.fromkeys(found))[:MAX_MATCHES]


def ids_with_beginning(column: str, part: str, user: Viewer) -> QuerySet[Message, str]:
    wanted = {f"{column}__gte": part, f"{column}__startswith": part}
    if beyond := _beyond(part):
        wanted[f"{column}__lt"] = beyond
    longer = Message.objects.exclude(**{column: ""}).exclude(**{column: part}).filter(**wanted)
    return limited_to(user, longer).order_by(column).values_list(column, flat=True)


def _beyond(part: str) -> str:
    """A text behind all that begin with these letters and digits, in every collation; '' for none.

    LIKE alone uses no index of a database that sorts by a language's rules. There digits come
    before letters, as in ASCII, and Z before signs.
    """
    kept = part.rstrip("Zz")
    if not kept:
        return ""
    return kept[:-1] + ("A" if kept[-1] == "9" else chr(ord(kept[-1]) + 1))


def messages_also_to(addresses: Iterable[str], user: Viewer) -> tuple[int, ...]:
    if not addresses:
        return ()
    found = limited_to(user, OtherAddress.objects.filter(phone__in=addresses), "message__instance")
    return tuple(found.order_by("-message").values_list("message", flat=True)[:MAX_MATCHES])


def with_part(column: str, meaning: Meaning, part: str) -> Q:
    match meaning:
        case Meaning.BEGINNING if connection.vendor == "sqlite" and len(part) > _COMMON:
            # LIKE looks at every row there; these lie between the part and its last digit's next.
            beyond = part[:-1] + chr(ord(part[-1]) + 1)
            return Q(**{f"{column}__gte": part, f"{column}__lt": beyond})
        case Meaning.BEGINNING:
            return Q(**{f"{column}__startswith": part})
        case Meaning.END:
            return Q(Exact(LastDigits(column), part))
        case _:
            return Q(**{f"{column}__contains": part})


def _holding(search: Search) -> tuple[str, ...] | None:
    """None where the addresses are not to be named: too many, or messages have an index of it."""
    if search.meaning is Meaning.BEGINNING:
        return None
    found = KnownAddress.objects.filter(with_part("address", search.meaning, search.part))
    addresses = tuple(found.values_list("address", flat=True)[: MAX_HOLDING + 1])
    return addresses if len(addresses) <= MAX_HOLDING else None


def _lids_seen_with(search: Search, holding: Iterable[str], user: Viewer) -> tuple[str, ...]:
    """Of the numbers that hold the part, one more than are searched.

    An alias has a number with the ninth digit. Where the part holds it without, the addresses in
    `holding` or the other beginning lead there.
    """
    is_beginning = search.meaning is Meaning.BEGINNING
    people = {phones.person(address) for address in holding}
    wanted = Q(number__in={person for person in people if search.part not in person})
    for part in phones.beginnings(search.part) if is_beginning else [search.part]:
        wanted |= with_part("number", search.meaning, part)
    found = limited_to(user, Alias.objects.filter(wanted))
    return tuple(dict.fromkeys(found.values_list("lid", flat=True)[: MAX_HOLDING + 1]))


def _labelled(search: Search, user: Viewer) -> tuple[str, ...]:
    if len(search.text) < SHORTEST_LABEL:
        return ()
    wanted = Q(reference__in=search.references)
    # In the label as this person reads it: what is hidden could be guessed digit by digit.
    read = "label_folded" if sees_phones(user) else "label_masked"
    if parts := _parts_of_label(search.text):
        wanted |= Q(*((f"{read}__contains", part) for part in parts))
    found = limited_to(user, Label.objects.filter(wanted)).order_by("-pk")
    pairs = found.values_list("zapi_id", "zaap_id")[:MAX_MATCHES]
    return tuple(one for pair in pairs for one in pair if one)


def _parts_of_label(text: str) -> list[str]:
    """What a label must hold: each word, in any order. Of short words alone, all as they stand."""
    whole = folded(text).strip()
    if len(whole) < SHORTEST_LABEL:
        return []
    words = {word for one in whole.split() if (word := one.strip(_PUNCTUATION))}
    return sorted(words) if max(map(len, words), default=0) >= SHORTEST_LABEL else [whole]


def _told(aliases: Iterable[str]) -> tuple[str, ...]:
    """One form of each number is enough to say."""
    return tuple(dict.fromkeys(phones.person(alias) for alias in aliases))
