"""Causes that were stored as English sentences become codes with values.

A sentence that is not known here is kept as the value of the code "other". It may be stopped and
run again: what is a code already stays.
"""

from typing import Any, Final

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_BATCH: Final = 500
_CODES: Final = {
    "A callback has to come as Content-Type: application/json, not as {}.": "wrong content type",
    "A callback has to come as it is or as gzip, not as {}.": "wrong encoding",
    "Content-Length is not a number.": "wrong length",
    "A callback may have {} bytes at most, unpacked.": "too large",
    "The gzip is broken.": "broken gzip",
    "It is not JSON: byte {} is not UTF-8.": "not utf-8",
    "It is not JSON from line {}, column {} on.": "not json",
    "It is not JSON: {} is not a number there.": "not a number",
    "The JSON is nested more than {} levels deep.": "too deep",
    "It holds a number that is too long.": "long number",
    "The JSON is not an object.": "not an object",
    "There is no type.": "no type",
    "There is no status.": "no status",
    "There is no message id.": "no message id",
    "A message id is not a text.": "message id not text",
    "It has more than {} message ids.": "many message ids",
    "A message id is longer than {} characters.": "long message id",
    "{} is not a text.": "not text",
    "{} is longer than {} characters.": "long text",
    "It came to the webhook of {}, but its body names another one, {}.": "other instance",
    "Statusboard does not know the type {}.": "unknown type",
    "It could not be read; the log says why.": "not read",
    "It could not be applied; the log says why.": "not applied",
    "It could not be stored; the log says why.": "not stored",
    "There is no such instance.": "no instance",
    "The instance is archived.": "archived",
    "Its key is retired.": "key retired",
    "Its z-api-token is not the instance’s, which enforces it.": "wrong token",
}
_SENTENCES: Final = {code: sentence for sentence, code in _CODES.items()}


def use_codes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rewrite(apps.get_model("whatsapp", "Callback"), schema_editor, _as_code)


def use_codes_in_spool(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rewrite(apps.get_model("whatsapp", "SpooledCallback"), schema_editor, _as_code)


def use_sentences(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rewrite(apps.get_model("whatsapp", "Callback"), schema_editor, _as_sentence)


def use_sentences_in_spool(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _rewrite(apps.get_model("whatsapp", "SpooledCallback"), schema_editor, _as_sentence)


def _rewrite(model: Any, schema_editor: BaseDatabaseSchemaEditor, change: Any) -> None:
    rows = model.objects.using(schema_editor.connection.alias)
    found = rows.exclude(cause="").order_by("pk").only("cause", "cause_values")
    batch = list(found[:_BATCH])
    while batch:
        for row in batch:
            row.cause, row.cause_values = change(row.cause, row.cause_values)
        rows.bulk_update(batch, ["cause", "cause_values"])
        batch = list(found.filter(pk__gt=batch[-1].pk)[:_BATCH])


def _as_code(cause: str, values: list[str] | None) -> tuple[str, list[str] | None]:
    if cause == "other" or cause in _SENTENCES:
        return cause, values
    sentence, *given = cause.split("\n")
    code = _CODES.get(sentence.replace("'s", "’s"))
    if code and sentence.count("{}") == len(given):
        return code, given or None
    return "other", [" ".join([sentence, *given])]


def _as_sentence(cause: str, values: list[str] | None) -> tuple[str, None]:
    return "\n".join([_SENTENCES.get(cause, ""), *(values or ())]).strip() or cause, None


class Migration(migrations.Migration):
    # Whoever writes meanwhile waits for one batch at the most.
    atomic = False

    dependencies = [
        ("whatsapp", "0052_cause_values"),
    ]

    operations = [
        migrations.RunPython(use_codes, use_sentences, hints={"model_name": "callback"}),
        migrations.RunPython(
            use_codes_in_spool, use_sentences_in_spool, hints={"model_name": "spooledcallback"}
        ),
    ]
