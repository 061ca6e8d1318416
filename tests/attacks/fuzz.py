"""Generate random requests from the forms and links of the site.

The same number always gives the same request.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_from_bytes, unquote_to_bytes
from uuid import UUID

from tests.attacks.discovery import FORM, File, Target, Value

_LONG: Final = 70_000
AWKWARD: Final[tuple[str | bytes, ...]] = (
    *("", " ", "\t\r\n", "\0", "a\0b", b"\xff\xfe", b"\xc0\x80", "\ud800", "\udfff\ud800", b"%"),
    *("%00", "%s%(x)s{}{0}", "../../etc/passwd", "\r\nX-Evil: 1", "a\nb", "x" * 300, "x" * _LONG),
    *("0", "-1", "-0", "+1", "²", "٣", "１２", "1_000", "0x10", "1.5", "1,5", "1e3", "1e999"),
    *("NaN", "Infinity", "9" * 10, "9" * 20, "9" * 400, "9" * 5000, "1" * 1000),
    *(str(2**31), str(2**63), str(-(2**63) - 1), str(2**64)),
    *("true", "null", "None", "[]", "{}", "[1]", '{"a":{"b":[]}}', '"', "[" * 3000, "{" * 3000),
    *("0001-01-01", "9999-12-31", "2026-02-30", "10000-01-01", "0000-00-00", "-0001-01-01"),
    *("0001-01-01T00:00", "9999-12-31T23:59", "2026-01-01T24:00", "2026-01-01T00:00:60Z"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z"),
    *("2026-01-01T00:00:00+99:99", "2026-10-18T00:00", "2026-01-01T00:00Z", "20260101T000000Z"),
    *("2026-W01-1", "٢٠٢٦-٠١-٠١", "2026-11-25T10:00:00.123456789Z", "12:00", "1700000000000"),
    *("not-a-uuid", str(UUID(int=7777)), "{" + str(UUID(int=1)) + "}", "urn:uuid:" + "0" * 32),
    *("//evil.example", "http://[", "https://[::1]:99999/", "https://ü.example/", "https://a..b/"),
    *("http://user:pw@127.0.0.1/", "https://" + "x" * 300 + ".example/", "https://\0/", "mailto:a"),
    *("https://example.com:0x50/", "https://127.1/", "https://xn--/", "https://１２７.0.0.1/"),
    *("a@example.com", "a@" + "x" * 300, "@", '"a b"@example.com', "a@[1]", "ü@ü.example"),
    *("a@xn--a.example", "a\u0131@example.com", "ß@example.com"),
    *("'\";--", "{{ 7 }}", "{% now %}", "<script>", "\\", "=1+1", "(((((", "a" * 50 + "!"),
    *("+55 44 99988-7701", "5544999887701@lid", "120363@g.us", "5544", "999", "44 9998", "+", "@"),
    *("\u202e", "\U0001f600", "İ", "ﷺ", "ß", "ǰ", "\ufeff", "\u2028", "e\u0301" * 200, "\u00ad"),
    *("en", "pt-br", "xx", "en\0", "Etc/GMT+12", "America/Sao_Paulo", "../UTC", "localtime", "."),
    *("all", "__all__", "none", "xlsx", "csv", "READ", "on", "1", "7777", "admin", "Support"),
)
JSON_AWKWARD: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 2**63, 10**400, 1.5, 1e308, float("nan"), float("inf")),
    *([], {}, [[]], {"": None}, [None], ["a", {}], {"a": {"b": [1]}}, "x" * _LONG),
)
JSON_BODIES: Final[tuple[bytes, ...]] = (
    *(
        b"",
        b"null",
        b"[",
        b'{"a":',
        b"\xff",
        b"NaN",
        b"[" * 50_000,
        b'{"a":1,"a":2}',
        b"\xef\xbb\xbf{}",
    ),
    *(b'"\\ud800"', b'{"label":"\\ud800\\u0000"}', b'[{"label":"\\udfff"}]', b"9" * 5000),
    *('{"label": "ü"}'.encode("utf-16"), b"1e999", b"-", b'{"\\u0000": 1}'),
)
FILES: Final[tuple[File, ...]] = (
    *(File("a.csv", content) for content in (b"", b"\0", b"\xff\xfe", b'"', b"a,b\r\n" * 5000)),
    File("a.csv", "zapi_instance_id,message_id,label\r\ninstance.id,M,ü\r\n".encode("utf-16")),
    File("a.csv", b"zapi_instance_id;message_id;label\ninstance.id;3EB0A1;\xff\0\n"),
    File("a.csv", b"zapi_instance_id,message_id,label\ninstance.id,M,a\ninstance.id,M,b\n"),
    File("a.csv", b'zapi_instance_id,message_id,label\n"instance.id,M,' + b"x" * 140_000),
    File("a.csv", b"name,id,token\r\n\xed\xa0\x80," + b"9" * 5000 + b"," + b"t" * 5000),
    File("a.csv", b"name,zapi_id,token,account,client_token\nA,B,C,D,E\nA,B,C,D,E\n,,,,\n"),
    File("a.xlsx", b"PK\x03\x04" + b"\0" * 200, "application/zip"),
    File('../../\0\r\n".csv', b"a,b\n1,2\n", "text/csv; charset=nonsense"),
    File(b"\xff\xfe", b"a\n1\n", ""),
    File("", b"a\n1\n"),
    File("x" * 5000 + ".csv", b"a\n1\n", "\xff"),
)
# Headers as WSGI environment variables.
_HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "HTTP_RANGE": ("bytes=0-", "bytes=-1", "bytes=9-1", "x", "bytes=0-0,2-", "bytes=" + "9" * 5000),
    "HTTP_IF_MODIFIED_SINCE": ("x", "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 01 Jan 9999", "9" * 99),
    "HTTP_IF_UNMODIFIED_SINCE": ("Mon, 99 Foo 99999 99:99:99 GMT",),
    "HTTP_IF_NONE_MATCH": ("*", '"', 'W/"x", "y"', "\xff"),
    "HTTP_ACCEPT_LANGUAGE": (
        *("*", "pt-BR;q=٣", "x" * 9000, "en;q=1e999,\xff", "\0", "a-" * 2000, "pt-br,en"),
    ),
    "HTTP_ACCEPT": ("*", "text/html;q=x", "application/json;v=\xff", "/", "", "a/b;" * 900),
    "HTTP_HX_REQUEST": ("true", "", "\xff"),
    "HTTP_HX_CURRENT_URL": ("http://[", "\xff", "//x", "https://127.0.0.1/%ff"),
    "HTTP_HX_CURRENT_URL_URI_AUTOENCODED": ("true",),
    "HTTP_HX_TARGET": ("\xff", "%FF", ""),
    "HTTP_HX_BOOSTED": ("true",),
    "HTTP_HX_HISTORY_RESTORE_REQUEST": ("true",),
    "HTTP_X_REQUESTED_WITH": ("XMLHttpRequest", "fetch", "\xff"),
    "HTTP_X_HTTP_METHOD_OVERRIDE": ("DELETE", "\xff"),
    "HTTP_X_REQUEST_ID": ("\xff", "x" * 5000, "a b", "\r\n"),
    "HTTP_X_FORWARDED_FOR": ("\xff", "1.2.3.4, ::1, x", "[::1]:80", ",,", "1" * 9000),
    "HTTP_X_FORWARDED_PROTO": ("\xff",),
    "REMOTE_ADDR": ("", "::1%eth0", "\xff", "unix:", "1.2.3.4:80"),
    "HTTP_USER_AGENT": ("", "\xff\0", "x" * 9000),
    "HTTP_REFERER": ("http://[", "\xff", "https://127.0.0.1/\0", "//"),
    "HTTP_SEC_FETCH_MODE": ("cors", "\xff"),
    "HTTP_ORIGIN": ("null", "http://[", "\xff"),
    "HTTP_X_CSRFTOKEN": ("\xff", ""),
    "HTTP_CONTENT_ENCODING": ("gzip",),
    "HTTP_TRANSFER_ENCODING": ("chunked",),
    "HTTP_AUTHORIZATION": (
        *("Bearer", "Bearer \xff", "Basic !!!", "Bearer a b"),
        "Bearer sb_abcdefgh_" + "x" * 43,
    ),
    "CONTENT_LENGTH": ("", "0", "-1", "1e9", "٣", "9" * 30, "7", "\xff"),
    "CONTENT_TYPE": (
        *("", "x", "\xff", "application/json", "application/json; charset=utf-16", "text/plain"),
        *("application/x-www-form-urlencoded; charset=utf-7", "text/csv", "multipart/mixed"),
        *("application/x-www-form-urlencoded;;=", "application/x-www-form-urlencoded; charset"),
        *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data;;"),
        *("multipart/form-data; boundary=" + "x" * 300, "multipart/form-data; boundary=\xff"),
        "multipart/form-data; boundary=b; charset=nonsense",
        "multipart/form-data; boundary=----fuzz; charset=utf-16",
    ),
}
HEADERS: Final = [(name, value) for name, values in _HEADERS.items() for value in values]
COOKIES: Final = (
    *("__Host-sessionid", "__Host-csrftoken", "django_language", "messages", "statusboard_theme"),
    *("statusboard_time_zone", "statusboard_known_device", "\xff", ""),
)
METHODS: Final = (
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "get",
    "\xff",
)
BOUNDARY: Final = b"----fuzz"
CSRF: Final = "c" * 32


@dataclass(slots=True)
class Draft:
    """A mutable request that is built from a target."""

    method: str
    path: str
    query: list[tuple[str, Value]]
    fields: list[tuple[str, Value]]
    encoding: str
    parameters: tuple[str, ...]
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A request for the WSGI application."""

    role: str
    method: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str]

    def environ(self) -> dict[str, str]:
        return {
            "PATH_INFO": unquote_to_bytes(self.path).decode("latin-1"),
            "QUERY_STRING": self.query,
            "wsgi.url_scheme": "https",
            **self.headers,
        }

    def __str__(self) -> str:
        body = self.body if len(self.body) < 1000 else self.body[:1000] + b" (cut)"
        address = f"{self.path}?{self.query}"[:1000]
        headers = {name: value[:200] for name, value in self.headers.items()}
        return f"{self.method} {address} as {self.role}\n  {headers}\n  {body!r}"


class Fuzz:
    def __init__(self, targets: list[Target], roles: dict[str, dict[str, str]]) -> None:
        """`roles` maps each role to its headers. The last roles are chosen most often."""
        self._targets, self._roles = targets, roles
        pairs = [pair for target in targets for pair in (*target.query, *target.fields)]
        self._values = sorted({value for _, value in pairs if isinstance(value, str) and value})
        self._names = sorted(
            {name for name, _ in pairs} | {name for t in targets for name in t.parameters}
        )

    def request(self, number: int) -> Sent:
        chance = random.Random(number)
        target = self._targets[number % len(self._targets)]
        role = chance.choice([*self._roles, *list(self._roles)[-3:] * 3])
        draft = _draft(target)
        for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
            kinds, weights = zip(*self._changes(), strict=True)
            chance.choices(kinds, weights)[0](chance, draft)
        return _encoded(chance, draft, role, self._roles[role])

    def as_offered(self, target: Target, role: str) -> Sent:
        return _encoded(random.Random(0), _draft(target), role, self._roles[role])

    def _changes(self) -> tuple[tuple[Callable[[random.Random, Draft], None], int], ...]:
        return (
            (self._change_value, 10),
            (self._add, 5),
            (self._change_all, 1),
            (self._drop_or_repeat, 2),
            (self._change_path, 1),
            (self._change_header, 3),
            (self._change_cookie, 1),
            (self._change_method, 1),
            (self._change_kind_of_body, 1),
        )

    def _value(self, chance: random.Random, old: Value = "") -> Value:
        """Return an unusual value, a value of another field, or a corrupted old value."""
        kind = chance.random()
        if isinstance(old, File):
            return chance.choice([*FILES, chance.choice(AWKWARD)])
        if kind < 0.7 or not old:
            return chance.choice([*AWKWARD, chance.choice(FILES)])
        if kind < 0.85 and self._values:
            return chance.choice(self._values)
        text = old if isinstance(old, bytes) else old.encode("utf-8", "surrogatepass")
        at = chance.randrange(len(text) or 1)
        return chance.choice([text[:at], text[:at] + b"A" + text[at + 1 :], text + b"x", text * 2])

    def _change_value(self, chance: random.Random, draft: Draft) -> None:
        pairs = chance.choice([pairs for pairs in (draft.query, draft.fields) if pairs] or [None])
        if pairs is None:
            return self._add(chance, draft)
        at = chance.randrange(len(pairs))
        name, old = pairs[at]
        pairs[at] = (name, self._value(chance, old))
        return None

    def _add(self, chance: random.Random, draft: Draft) -> None:
        name = chance.choice(
            [*(draft.parameters or self._names), *draft.parameters * 5, *self._names]
        )
        pairs = draft.query if draft.method == "GET" or chance.random() < 0.2 else draft.fields
        pairs.append((name, self._value(chance)))

    def _change_all(self, chance: random.Random, draft: Draft) -> None:
        for pairs in (draft.query, draft.fields):
            pairs[:] = [(name, self._value(chance, old)) for name, old in pairs]

    def _drop_or_repeat(self, chance: random.Random, draft: Draft) -> None:
        for pairs in (draft.query, draft.fields):
            if pairs and chance.random() < 0.5:
                pairs.pop(chance.randrange(len(pairs)))
            elif pairs:
                name, value = chance.choice(pairs)
                pairs.extend([(name, self._value(chance, value))] * chance.choice([1, 2, 50]))

    def _change_path(self, chance: random.Random, draft: Draft) -> None:
        parts = draft.path.split("/")
        at = chance.randrange(1, len(parts)) if len(parts) > 1 else 0
        value = self._value(chance, parts[at])
        parts[at] = _quoted(value if not isinstance(value, File) else value.name)[:3000]
        draft.path = "/".join(parts)

    def _change_header(self, chance: random.Random, draft: Draft) -> None:
        name, value = chance.choice(HEADERS)
        draft.headers[name] = value

    def _change_cookie(self, chance: random.Random, draft: Draft) -> None:
        value = chance.choice(AWKWARD)
        text = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        draft.cookies[chance.choice(COOKIES)] = text.decode("latin-1")[:5000]

    def _change_method(self, chance: random.Random, draft: Draft) -> None:
        draft.method = chance.choice(METHODS)

    def _change_kind_of_body(self, chance: random.Random, draft: Draft) -> None:
        draft.encoding = chance.choice(["multipart/form-data", "application/json", FORM])
        if draft.encoding == "application/json" and chance.random() < 0.3:
            draft.body = chance.choice(JSON_BODIES)


def _draft(target: Target) -> Draft:
    return Draft(
        target.method,
        target.path,
        list(target.query),
        list(target.fields),
        target.encoding,
        target.parameters,
    )


def _encoded(chance: random.Random, draft: Draft, role: str, headers: dict[str, str]) -> Sent:
    body = b"" if draft.method in {"GET", "HEAD"} else draft.body
    if body is None:
        body = _body(chance, draft)
    kind = draft.encoding
    if kind == "multipart/form-data":
        kind += f"; boundary={BOUNDARY.decode()}"
        body = chance.choice([*[body] * 8, body[: len(body) // 2], body.replace(b"\r\n", b"\n")])
    cookies = {"__Host-csrftoken": CSRF, "__Host-sessionid": headers.get("session", "")}
    everything = {
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_ORIGIN": "https://127.0.0.1",
        "HTTP_X_CSRFTOKEN": CSRF,
        "HTTP_COOKIE": "; ".join(f"{n}={v}" for n, v in (cookies | draft.cookies).items() if v),
        **{name: value for name, value in headers.items() if name != "session"},
        **draft.headers,
    }
    if everything["CONTENT_LENGTH"] == "" and chance.random() < 0.5:
        everything["wsgi.input_terminated"] = "yes"
    return Sent(role, draft.method, draft.path, _urlencoded(draft.query), body, everything)


def _body(chance: random.Random, draft: Draft) -> bytes:
    if draft.encoding == "application/json":
        return _json(chance, draft)
    if draft.encoding == "multipart/form-data":
        return _multipart(draft.fields)
    return _urlencoded(draft.fields).encode()


def _json(chance: random.Random, draft: Draft) -> bytes:
    """The fields as a JSON object or a list of objects. Some values are not strings."""
    data: Any = {
        name: chance.choice(JSON_AWKWARD) if chance.random() < 0.3 else _text(value)
        for name, value in draft.fields
    }
    return json.dumps(chance.choice([data, [data], [data, data], [data, None]])).encode()


def _text(value: Value) -> str:
    if isinstance(value, File):
        value = value.content
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(value: Value) -> bytes:
    if isinstance(value, File):
        return value.content[:2000]
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def _quoted(value: Value) -> str:
    return quote_from_bytes(_bytes(value), safe="")


def _urlencoded(pairs: list[tuple[str, Value]]) -> str:
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _multipart(pairs: list[tuple[str, Value]]) -> bytes:
    parts = []
    for name, value in pairs:
        lines = b'Content-Disposition: form-data; name="' + _bytes(name) + b'"'
        if isinstance(value, File):
            lines += b'; filename="' + _bytes(value.name) + b'"\r\nContent-Type: '
            lines += value.type.encode("latin-1")
        content = value.content if isinstance(value, File) else _bytes(value)
        parts.append(b"--" + BOUNDARY + b"\r\n" + lines + b"\r\n\r\n" + content + b"\r\n")
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"
