"""Parse and validate the name, id and tokens of an instance, as people paste them."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.core.exceptions import ValidationError

from messages.domain.problems import Problem
from statusboard.redaction import redact

MAX_NAME_LENGTH: Final = 100
MAX_ID_LENGTH: Final = 128
MAX_SECRET_LENGTH: Final = 500
MAX_PARTNER_TOKEN_LENGTH: Final = 2000
# Longer input is cut: it is too long anyway.
_MAX_READ_LENGTH: Final = 10_000

# Dots are allowed: "instance.id" is the id in Z-API's documented callbacks.
_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
# RFC 9110 token68: valid in a header and in a URL path.
_SECRET = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# ".../instances/<id>/token/<token>/...", or a part of it.
_PIECE = r"[^\s/?#\"'<>]"
_INSTANCE_URL = re.compile(rf"(?<!{_PIECE})({_PIECE}++)/token/({_PIECE}++)", re.IGNORECASE)
_ANY_URL = re.compile(r"://|z-api\.io|/token/|^/", re.IGNORECASE)
# "3,90E+31": an id that a spreadsheet treated as a number.
_ROUNDED = re.compile(r"[0-9]+([.,][0-9]+)?E\+?[0-9]{1,3}", re.IGNORECASE)
# The formats of Z-API today. They are used only to detect swapped fields. Secrets in other formats
# are accepted.
_LIKE_ID = re.compile(r"[0-9A-F]{32}")
_LIKE_TOKEN = re.compile(r"[0-9A-F]{24}")
_LIKE_CLIENT_TOKEN = re.compile(r"F[0-9a-f]{32}S")
# Characters that copying may add at the ends, besides white space.
_AROUND: Final = "\"'`´“”„‟‘’‚‛«»‹›<>,;"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The parsed credentials, and `problems` by field.

    If a URL was pasted as the id, only the id is kept, so that no page shows the token in it.
    """

    zapi_id: str
    token: str = field(repr=False)
    client_token: str = field(repr=False)
    problems: Mapping[str, Problem]

    def check(self) -> None:
        """Raise ValidationError with the problems by field."""
        if self.problems:
            raise ValidationError({name: [str(one.label)] for name, one in self.problems.items()})


def read_credentials(
    zapi_id: str = "", token: str = "", client_token: str = "", *, known_id: str = ""
) -> Credentials:
    """Parse credentials. Blank values stay blank; an instance URL gives both id and token.

    `known_id` is the id of an existing instance, which a URL must contain.
    """
    zapi_id, token = zapi_id[:_MAX_READ_LENGTH], token[:_MAX_READ_LENGTH]
    id_urls, token_urls = _urls_in(zapi_id), _urls_in(token)
    urls = id_urls + token_urls
    plain_id = "" if id_urls else _tidied(zapi_id)
    plain_token = "" if token_urls else _tidied(token)
    ids = [one for one in (known_id, plain_id, *(url[0] for url in urls)) if one]
    tokens = [one for one in (plain_token, *(url[1] for url in urls)) if one]
    meant_id, meant_token = next(iter(ids), ""), next(iter(tokens), "")
    meant_client_token = _tidied(client_token)
    found = {
        "token": _problem_of_token(meant_token, meant_id),
        "zapi_id": None if meant_id == known_id else _problem_of_id(meant_id),
        "client_token": _problem_of_client_token(meant_client_token, meant_id, meant_token),
    }
    if len(set(tokens)) > 1:
        found["token"] = Problem.OTHER_TOKEN
    elif len(set(ids)) > 1:
        found["token"] = Problem.OTHER_INSTANCE
    problems = {name: words for name, words in found.items() if words}
    return Credentials(meant_id, meant_token, meant_client_token, problems)


def read_partner_token(text: str) -> str:
    """Parse a partner token. Raises ValidationError."""
    tidied = _tidied(text)
    if problem := _problem_of_secret(tidied, MAX_PARTNER_TOKEN_LENGTH):
        raise ValidationError(str(problem.label))
    return tidied


def check_name(name: str) -> None:
    """Raise ValidationError for a name that pages and notifications cannot show."""
    if problem := problem_of_name(name):
        raise ValidationError(str(problem.label))


def problem_of_name(name: str) -> Problem | None:
    if len(name) > MAX_NAME_LENGTH:
        return Problem.LONG_NAME
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        return Problem.ODD_NAME
    return Problem.SECRET_IN_NAME if redact(name) != name else None


def _tidied(text: str) -> str:
    """Remove invisible characters, and white space and quotes at the ends."""
    read = text[:_MAX_READ_LENGTH]
    seen = "".join(one for one in read if unicodedata.category(one) != "Cf")
    while (shorter := seen.strip().strip(_AROUND)) != seen:
        seen = shorter
    return seen


def _urls_in(text: str) -> list[tuple[str, str]]:
    """Return the (id, token) pairs of an instance URL: none or one."""
    found = _INSTANCE_URL.search(text)
    return [(_tidied(found[1]), _tidied(found[2]))] if found else []


def _problem_of_id(text: str) -> Problem | None:
    if len(text) > MAX_ID_LENGTH:
        return Problem.TOO_LONG
    if _ROUNDED.fullmatch(text):
        return Problem.ROUNDED_ID
    if text and (not _ID.fullmatch(text) or _ANY_URL.search(text)):
        return Problem.NOT_AN_ID
    if _LIKE_CLIENT_TOKEN.fullmatch(text):
        return Problem.CLIENT_TOKEN_HERE
    return Problem.TOKEN_HERE if _LIKE_TOKEN.fullmatch(text) else None


def _problem_of_token(text: str, zapi_id: str) -> Problem | None:
    if problem := _problem_of_secret(text):
        return problem
    if _LIKE_CLIENT_TOKEN.fullmatch(text):
        return Problem.CLIENT_TOKEN_HERE
    return Problem.ID_HERE if text and text == zapi_id else None


def _problem_of_client_token(text: str, zapi_id: str, token: str) -> Problem | None:
    if problem := _problem_of_secret(text):
        return problem
    if text and (text == token or _LIKE_TOKEN.fullmatch(text)):
        return Problem.TOKEN_HERE
    is_id = text and (text == zapi_id or _LIKE_ID.fullmatch(text))
    return Problem.ID_HERE if is_id else None


def _problem_of_secret(text: str, longest: int = MAX_SECRET_LENGTH) -> Problem | None:
    if len(text) > longest:
        return Problem.TOO_LONG
    if _ANY_URL.search(text):
        return Problem.URL_AS_SECRET
    return Problem.NOT_A_SECRET if text and not _SECRET.fullmatch(text) else None
