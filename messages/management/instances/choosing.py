"""Read a command's instances, secrets and files from its options."""

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from messages.models import Instance
from messages.models.instance import InstanceQuerySet


def is_bulk(options: dict[str, Any]) -> bool:
    return bool(options["all"] or options["tag"])


def chosen(options: dict[str, Any]) -> list[Instance]:
    if is_bulk(options):
        return list(related(tagged(Instance.objects.active(), options["tag"])))
    return [chosen_one(options)]


def chosen_one(options: dict[str, Any], among: InstanceQuerySet | None = None) -> Instance:
    """Find the instance of the options; `among` are the active ones by default."""
    among = Instance.objects.active() if among is None else among
    which = options["instance"]
    found = among.select_related("account").named(which)
    if not found:
        raise CommandError(f"Instance {which} not found. See `instances list`.")
    return found


def tagged(instances: Any, tag: str | None) -> Any:
    return instances.filter(tags__name__iexact=tag) if tag else instances


def related(instances: Any) -> Any:
    return instances.select_related("account").prefetch_related("webhooks", "tags")


def content(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.") from None


def secret(given: str | None, variable: str) -> str:
    """Read a secret from standard input (`-`), the command line or an environment variable.

    A secret on the command line stays in the shell's history.
    """
    if given == "-":
        return sys.stdin.readline().strip()
    return (given or os.environ.get(variable, "")).strip()
