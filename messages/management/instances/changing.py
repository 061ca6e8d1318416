"""The `instances` subcommands that change one instance."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from messages.accounts.audit import audit
from messages.ingest import remember_keys
from messages.instances import archive as archiving
from messages.instances import deletion, foreign_webhooks, token_checks
from messages.instances.connect import update
from messages.instances.rotation import NotRetiredError, retire_old_keys, rotate_key
from messages.instances.sync import webhooks_of
from messages.instances.tags import read_tags, set_tags
from messages.models import Action, Instance, TokenPolicy

from .choosing import chosen_one, secret
from .pushing import check_one, forward_all, push_one, report


def restore(command: BaseCommand, options: dict[str, Any]) -> None:
    instance = chosen_one(options)
    webhook = webhooks_of(instance)[options["kind"]]
    if not webhook.previous_url:
        raise CommandError("There is no previous URL to restore.")
    _run(foreign_webhooks.restore, webhook)
    audit(None, Action.WEBHOOK_RESTORED, about=instance, details={"kind": webhook.kind})
    command.stdout.write(f"{instance}: previous URL restored.")


def replace_every(command: BaseCommand, options: dict[str, Any]) -> None:
    instance = chosen_one(options)
    foreign = _run(foreign_webhooks.preview_takeover, instance).foreign
    if foreign and not options["replace"]:
        listed = "\n".join(f"  {kind}: {url}" for kind, url in foreign.items())
        raise CommandError(
            f"Other systems receive these webhooks. Use --replace to take them:\n{listed}"
        )
    if options["forward"]:
        forward_all(instance, foreign)
    _run(lambda: foreign_webhooks.replace_every(instance, sent_by_me=options["sent_by_me"]))
    audit(None, Action.WEBHOOK_PUSHED, about=instance, details={"kind": "every"})
    command.stdout.write(f"{instance}: Z-API now sends all callbacks to Statusboard.")


def rotate(command: BaseCommand, options: dict[str, Any]) -> None:
    instance = chosen_one(options)
    secrets = {
        name: secret(options[name], "") for name in ("token", "client_token") if options[name]
    }
    if secrets:
        try:
            update(instance, name=instance.name, **secrets)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        audit(None, Action.INSTANCE_CHANGED, about=instance, details={"fields": [*secrets]})
        report(command, [check_one(instance, None)], options | {"json": False})
        return
    rotate_key(instance)
    audit(None, Action.KEY_ROTATED, about=instance)
    command.stdout.write(f"{instance} has a new webhook URL. The old one still works.")
    if problems := push_one(instance, {"replace": False}):
        raise CommandError("\n".join(problems))
    command.stdout.write("Z-API calls the new URL. The worker disables the old one in an hour.")


def retire(command: BaseCommand, options: dict[str, Any]) -> None:
    instance = chosen_one(options)
    try:
        retire_old_keys(instance, at_once=options["now"])
    except NotRetiredError as error:
        raise CommandError(str(error)) from None
    audit(None, Action.KEY_RETIRED, about=instance)
    command.stdout.write(f"{instance}: only the new webhook URL is accepted now.")


def archive(command: BaseCommand, options: dict[str, Any]) -> None:
    instance = chosen_one(options)
    if options["restore"]:
        _run(archiving.restore_previous, instance)
        audit(None, Action.WEBHOOK_RESTORED, about=instance, details={"kind": "every"})
    elif archiving.has_previous(instance) and not options["force"]:
        raise CommandError(
            "Other systems used its webhooks. Add --restore to restore their URLs, or --force."
        )
    archiving.archive(instance)
    audit(None, Action.INSTANCE_CHANGED, about=instance, details={"archived": True})
    command.stdout.write(f"{instance} is archived.")


def delete(command: BaseCommand, options: dict[str, Any]) -> None:
    instance = chosen_one(options, Instance.objects.all())
    if archiving.has_previous(instance) and not options["force"]:
        raise CommandError(
            "Other systems used its webhooks. Restore their URLs first, or add --force."
        )
    try:
        deletion.delete(instance)
    except deletion.NotDeletableError as error:
        raise CommandError(str(error)) from None
    details = {"deleted": True, "instance": instance.name, "id": instance.shown_id}
    audit(None, Action.INSTANCE_CHANGED, about=instance, details=details)
    command.stdout.write(f"{instance} is deleted.")


def unarchive(command: BaseCommand, options: dict[str, Any]) -> None:
    instance = chosen_one(options, Instance.objects.archived())
    archiving.unarchive(instance)
    remember_keys()
    audit(None, Action.INSTANCE_CHANGED, about=instance, details={"archived": False})
    command.stdout.write(
        f"{instance} is restored. Push its webhooks if Z-API no longer calls Statusboard."
    )


def token_policy(command: BaseCommand, options: dict[str, Any]) -> None:
    instance, policy = chosen_one(options), TokenPolicy(options["policy"])
    mismatches = token_checks.mismatches_of(instance)
    counted = f"{mismatches.differing} with a wrong token, {mismatches.missing} without a token"
    if policy == TokenPolicy.ENFORCE and mismatches and not options["force"]:
        raise CommandError(
            f"Callbacks in the last 24 hours: {counted}. They would be refused and lost. "
            "Add --force to enforce it anyway."
        )
    token_checks.set_policy(instance, policy)
    details = {"fields": ["token_policy"], "token_policy": policy.value}
    audit(None, Action.INSTANCE_CHANGED, about=instance, details=details)
    command.stdout.write(f"{instance}: {policy.value}. Callbacks in the last 24 hours: {counted}.")


def tag(command: BaseCommand, options: dict[str, Any]) -> None:
    instance = chosen_one(options)
    set_tags(instance, read_tags(options["tags"]))
    audit(None, Action.INSTANCE_CHANGED, about=instance, details={"fields": ["tags"]})
    command.stdout.write(f"{instance}: {', '.join(map(str, instance.tags.all())) or '–'}")


def _run(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except foreign_webhooks.ActionRefusedError as error:
        raise CommandError(str(error)) from None
