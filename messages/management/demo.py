"""`make demo`: what `serve --demo` adds: a Z-API simulator, instances, and a month of history."""

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from messages.instances.connect import connect
from messages.instances.foreign_webhooks import replace_every
from messages.instances.push import push_wanted
from messages.instances.tags import set_tags
from messages.jobs.processes import ProcessGroup, python
from messages.models import Instance, Label, Message, WebhookState
from messages.simulator.scenarios import DISCONNECTED_FOR
from messages.summaries import find_receipts_off

# name, instance id, Client-Token, and what the simulator shows: one of its cases
INSTANCES = (
    ("Loja Centro", "3C0D5A1E7B2F4896A1B2C3D4E5F60718", "F-demo-client-token", ""),
    ("Suporte", "3C0D5A1E7B2F4896A1B2C3D4E5F60729", "F-demo-client-token", "receipts-off"),
    ("Cobrança", "3C0DAB1E7B2F4896A1B2C3D4E5F6073A", "F-other-client-token", "restricted"),
    ("Filial Sul", "3C0DAB1E7B2F4896A1B2C3D4E5F6074B", "F-other-client-token", "disconnected"),
    ("Matriz", "3C0DAB1E7B2F4896A1B2C3D4E5F6075C", "F-other-client-token", "foreign"),
)
_TAGS = {"Loja Centro": ["loja"], "Filial Sul": ["loja"], "Cobrança": ["financeiro"]}
_MESSAGES, _DAYS = 6000, 29
_DISCONNECTED_FOR = timedelta(seconds=DISCONNECTED_FOR)
_LABELS = 300
# Sent by software that Z-API never reported on.
_NEVER_CONFIRMED = 3


def start_demo(processes: ProcessGroup) -> None:
    """Raise CommandError unless the settings are those of `make demo`."""
    gateway = urlsplit(settings.ZAPI_BASE_URL)
    if not (settings.DEMO and gateway.hostname and gateway.port):
        raise CommandError("The demo needs its own settings. Start it with: make demo")
    processes.start("Z-API simulator", simulator(gateway.hostname, gateway.port))
    processes.wait_for_port(gateway.hostname, gateway.port)
    if not Instance.objects.exists():
        _fill()
    for name, zapi_id, _client_token, case in INSTANCES:
        _push(name, Instance.objects.get(zapi_id=zapi_id), is_foreign=case == "foreign")


def _fill() -> None:
    """Create the instances with a month of messages. The simulator adds the last day."""
    for name, zapi_id, client_token, case in INSTANCES:
        token = f"demo-token-{zapi_id}"
        instance = connect(name=name, zapi_id=zapi_id, token=token, client_token=client_token)
        set_tags(instance, _TAGS.get(name, []))
        if case == "disconnected":
            # Before Z-API is asked: its answer has no time, and would count from now on.
            instance.connected = False
            instance.connection_changed_at = timezone.now() - _DISCONNECTED_FOR
            instance.save(update_fields=["connected", "connection_changed_at"])
    unread = [zapi_id for _, zapi_id, _, case in INSTANCES if case == "receipts-off"]
    call_command(
        *("seed_history", "--existing", "--force"), messages=_MESSAGES, days=_DAYS, unread=unread
    )
    # The worker does this too, but only every ten minutes.
    find_receipts_off()
    newest = Message.objects.filter(inbound=False).order_by("-pk")[:_LABELS]
    for number, message in enumerate(newest, 1):
        _label(message.instance_id, number, zapi_id=message.zapi_id, zaap_id=message.zaap_id)
    first, sent_at = Instance.objects.earliest("pk").pk, timezone.now() - timedelta(minutes=40)
    for number in range(_NEVER_CONFIRMED):
        zapi_id = f"3EB0{secrets.token_hex(9).upper()}"
        _label(first, _LABELS + 1 + number, zapi_id=zapi_id, awaited_since=sent_at)


def _label(instance_id: int, number: int, **fields: Any) -> None:
    order = 41_000 + number
    texts = {"reference": f"P-{order}", "label": f"Pedido {order}"}
    Label.objects.create(instance_id=instance_id, updated_at=timezone.now(), **fields, **texts)


def _push(name: str, instance: Instance, *, is_foreign: bool) -> None:
    for webhook in push_wanted(instance):
        if webhook.state != WebhookState.IN_SYNC and not is_foreign:
            raise CommandError(f"{name}: {webhook.problem_text}")
    if not is_foreign:
        # So that answers arrive.
        replace_every(instance)


def simulator(host: str, port: int) -> list[str]:
    """Start with a day of history, so that the pages have data from the beginning."""
    cases = [f"--case={zapi_id}:{case}" for _, zapi_id, _, case in INSTANCES if case]
    return python(
        *("manage.py", "zapi_simulator", "--host", host, "--port", str(port)),
        *("--take-http", "--emit", "--history", "120", "--rate", "0.7", *cases),
    )
