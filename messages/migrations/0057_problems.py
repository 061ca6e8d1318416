"""Problems that were stored as English sentences become codes.

A sentence that is not known here is kept as the value of the code "other". It may be stopped and
run again: what is a code already stays.
"""

from collections.abc import Callable
from typing import Any, Final

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_BATCH: Final = 500
_CODES: Final = {
    (
        "Z-API received the call but did not apply it. Push again; if it stays so, set "
        "the URL by hand in Z-API’s panel."
    ): "zapi not applied",
    (
        "Z-API does not know this call, although it answered. Check that ZAPI_BASE_URL is"
        " Z-API’s own address; if it is, Z-API has changed and the URL must be set by "
        "hand in its panel."
    ): "unknown call",
    (
        "The subscription of this instance has ended: Z-API sends nothing for it any "
        "more. Renew it in Z-API’s panel."
    ): "subscription ended",
    (
        "Z-API asks for a Client-Token and this instance has none. Copy the account "
        "security token from Z-API’s panel (Security) into the Client-Token field and "
        "push again. An expired trial is answered in the same way."
    ): "client token missing",
    (
        "Z-API refused the Client-Token. Copy the account security token again from "
        "Z-API’s panel (Security): it belongs to the account, not to the instance."
    ): "client token wrong",
    (
        "Z-API refuses calls from this server’s IP address. Add it to the allowed "
        "addresses in Z-API’s panel (Security), or set the URL there by hand."
    ): "ip refused",
    (
        "Z-API refused the form of the call (its method or content type). Something "
        "between this server and Z-API changed it: check the proxy and ZAPI_BASE_URL."
    ): "call refused",
    (
        "Z-API does not know this instance id and token. Copy both again from the "
        "instance’s page in Z-API’s panel; they belong together."
    ): "wrong credentials",
    (
        "Z-API does not know this partner token. Copy it again: Z-API gives one to its "
        "partners, for all the instances of an account."
    ): "wrong partner token",
    "Z-API asked for fewer calls. Wait a few minutes and push again.": "too many calls",
    (
        "Z-API has a fault of its own at the moment. Nothing is wrong here: try again later."
    ): "zapi fault",
    (
        "Z-API did not answer in time. Try again; if it stays so, check the network."
    ): "zapi too slow",
    (
        "Z-API could not be reached: the connection was refused or its name was not "
        "found. Check this server’s network, its firewall and ZAPI_BASE_URL."
    ): "zapi unreachable",
    (
        "The secure connection to Z-API failed: its certificate is not trusted here. "
        "Check this server’s clock and ZAPI_BASE_URL; where another certificate is meant "
        "to be used, set ZAPI_CA_FILE to its file."
    ): "zapi not trusted",
    (
        "Z-API’s address led elsewhere, and was not followed because it holds the token. "
        "Check that ZAPI_BASE_URL is Z-API’s own address, beginning with https."
    ): "zapi redirects",
    (
        "A web page came back instead of Z-API’s answer: Z-API is under maintenance, or "
        "something between this server and Z-API answered for it. Try again later; check "
        "the proxy."
    ): "zapi not json",
    (
        "The answer was far too long to be Z-API’s. Check ZAPI_BASE_URL and the proxy."
    ): "zapi too long",
    (
        "Z-API gave an answer that nobody has documented. Try again; if it stays so, set "
        "the URL by hand in Z-API’s panel."
    ): "zapi unexpected",
    (
        "The call to Z-API could not be made at all. Check ZAPI_BASE_URL, ZAPI_CA_FILE "
        "and the tokens: none may hold spaces or line breaks."
    ): "zapi impossible",
    (
        "Somebody else’s URL is set at Z-API, so this board hears nothing. Say on the "
        "instance’s page what is to become of it."
    ): "url taken",
    (
        "Z-API calls this board under an address or a key that is no longer the current "
        "one. Push again."
    ): "url outdated",
    ("Z-API has no URL to call, so this board hears nothing. Push again to set it."): "url missing",
    (
        "Z-API does not say which URL it calls, so the push could not be verified."
    ): "url not reported",
    (
        "A URL with a token was stored as the instance id, so Z-API cannot be asked. "
        "Delete this instance and connect it again."
    ): "unusable id",
    (
        "Z-API accepted the URL, yet still shows another one. Somebody else may be "
        "setting it; push again, or set it by hand in Z-API’s panel."
    ): "url not kept",
    (
        "Z-API’s list of this account’s instances does not name this one: it was deleted "
        "there, or it belongs to another account."
    ): "not listed",
    (
        "An instance id has only letters and digits, without spaces, e.g. "
        "3C0D1E2F3A4B5C6D7E8F9A0B1C2D3E4F. Copy it from the instance’s page in Z-API’s "
        "panel."
    ): "not an id",
    (
        "A spreadsheet turned this id into a number. Format the column as text, and enter"
        " the id again."
    ): "rounded id",
    (
        "Use only letters, digits and symbols, without spaces, line breaks or accents. "
        "Copy it again."
    ): "not a secret",
    "This is a URL. Enter only the token.": "url as secret",
    "This is a Client-Token. Enter it in the Client-Token field.": "client token here",
    "This is an instance token. Enter it in the Token field.": "token here",
    "This is an instance id, not a token.": "id here",
    "The URL contains another instance id.": "other instance",
    "The URL contains another token.": "other token",
    "This is too long.": "too long",
    "The name can have at most 100 characters.": "long name",
    "The name must be one line of visible characters.": "odd name",
    "The name must not contain a token: everyone can read it.": "secret in name",
    "A new instance needs a name, an instance id and a token.": "row incomplete",
    "The instance id is missing.": "id missing",
    "This instance id stands in an earlier row, too.": "id twice",
    ("There is an instance with this id already, which you may not change."): "id of others",
    "There is an archived instance with this id.": "id archived",
    "It could not be applied; the log says why.": "internal error",
    "The instance is archived by now.": "instance archived",
    "There is an instance with this id by now.": "id added",
    "Stopped before its turn.": "cancelled",
    "The name, the instance id or a token cannot be stored.": "not storable",
    (
        "A stored secret cannot be read: put back the FIELD_ENCRYPTION_KEYS it was saved "
        "with, or enter it again."
    ): "secret unreadable",
    ("The mail server is unreachable or refused the e-mail. Check EMAIL_URL."): "mail failed",
    (
        "The channel’s destination or secret cannot be decrypted. Enter it again."
    ): "channel unreadable",
    (
        "E-mail is not configured: messages only go to the server’s log. Set EMAIL_URL and restart."
    ): "no mail server",
    (
        "Pushing is off: Statusboard does not know its public URL. Set "
        "PUBLIC_BASE_URL=https://your-server in the environment or in .env and restart."
    ): "public url missing",
    (
        "Pushing is off: PUBLIC_BASE_URL must begin with https://, because Z-API only "
        "calls https URLs. Set PUBLIC_BASE_URL=https://your-server in the environment or "
        "in .env and restart."
    ): "public url not https",
    "The receiver’s URL points to a private network.": "unsafe",
    "The receiver cannot be reached.": "unreachable",
    "The receiver’s certificate is not trusted.": "not trusted",
    "The receiver did not answer in time.": "too slow",
    "The request could not be sent.": "impossible",
    "The receiver’s URL has changed. Enter the new one.": "redirects",
    "The receiver refused access.": "forbids",
    "The receiver’s URL was not found. Check it.": "not there",
    "The receiver asks for fewer requests.": "too many",
    "The receiver returned an error.": "fault",
    "The receiver rejected this callback.": "refuses",
    "The instance’s token cannot be decrypted. Enter it again.": "no token",
}
_SENTENCES: Final = {code: sentence for sentence, code in _CODES.items()}
# The other incidents store no problem, or a code already.
_KINDS: Final = ("unreachable", "channel")

_Values = list[str] | None
_Change = Callable[[str, _Values], tuple[str, _Values]]


def use_codes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rewrite(apps, schema_editor, _as_code)


def use_sentences(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rewrite(apps, schema_editor, _as_sentence)


def _as_code(problem: str, values: _Values) -> tuple[str, _Values]:
    if problem == "other" or problem in _SENTENCES:
        return problem, values
    code = _CODES.get(problem.replace("'", "’"))
    return (code, None) if code else ("other", [problem])


def _as_sentence(problem: str, values: _Values) -> tuple[str, None]:
    return (values[0] if values else _SENTENCES.get(problem, problem)), None


def _rewrite(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor, change: _Change) -> None:
    alias = schema_editor.connection.alias
    for name in ("Webhook", "BatchRow", "Channel"):
        rows = apps.get_model("whatsapp", name).objects.using(alias).exclude(problem="")
        _in_batches(rows, _change_row, change, ["problem", "problem_values"])
    incidents = apps.get_model("whatsapp", "Incident").objects.using(alias)
    _in_batches(incidents.filter(kind__in=_KINDS), _change_incident, change, ["values"])


def _in_batches(
    rows: Any, change_row: Callable[[Any, _Change], None], change: _Change, names: list[str]
) -> None:
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk").only(*names)[:_BATCH]):
        for row in batch:
            change_row(row, change)
        rows.bulk_update(batch, names)
        last = batch[-1].pk


def _change_row(row: Any, change: _Change) -> None:
    row.problem, row.problem_values = change(row.problem, row.problem_values)


def _change_incident(incident: Any, change: _Change) -> None:
    values = dict(incident.values)
    if problem := values.pop("problem", ""):
        code, problem_values = change(problem, values.pop("problem_values", None))
        values |= {"problem": code} | ({"problem_values": problem_values} if problem_values else {})
    incident.values = values


class Migration(migrations.Migration):
    # Whoever writes meanwhile waits for one batch at the most.
    atomic = False

    dependencies = [
        ("whatsapp", "0056_problem_values"),
    ]

    operations = [
        migrations.RunPython(use_codes, use_sentences),
    ]
