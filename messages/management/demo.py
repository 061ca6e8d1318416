"""`make demo`: what `serve --demo` adds, a Z-API simulator and three instances."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError

from messages.instances.connect import connect
from messages.instances.push import push_wanted
from messages.jobs.processes import ProcessGroup, python
from messages.models import Instance, WebhookState

# name, instance id, Client-Token
INSTANCES = (
    ("Loja Centro", "3C0D5A1E7B2F4896A1B2C3D4E5F60718", "F-demo-client-token"),
    ("Suporte", "3C0D5A1E7B2F4896A1B2C3D4E5F60729", "F-demo-client-token"),
    ("Cobrança", "3C0DAB1E7B2F4896A1B2C3D4E5F6073A", "F-other-client-token"),
)


def start_demo(processes: ProcessGroup) -> None:
    """Raise CommandError unless the settings are those of `make demo`."""
    gateway = urlsplit(settings.ZAPI_BASE_URL)
    if not (settings.DEMO and gateway.hostname and gateway.port):
        raise CommandError("The demo needs its own settings. Start it with: make demo")
    processes.start("Z-API simulator", simulator(gateway.hostname, gateway.port))
    processes.wait_for_port(gateway.hostname, gateway.port)
    for name, zapi_id, client_token in INSTANCES:
        _connect(name, zapi_id, client_token)


def _connect(name: str, zapi_id: str, client_token: str) -> None:
    instance = Instance.objects.filter(zapi_id=zapi_id).first() or connect(
        name=name, zapi_id=zapi_id, token=f"demo-token-{zapi_id}", client_token=client_token
    )
    for webhook in push_wanted(instance):
        if webhook.state != WebhookState.IN_SYNC:
            raise CommandError(f"{name}: {webhook.problem_text}")


def simulator(host: str, port: int) -> list[str]:
    """Start with a day of history, so that the pages have data from the beginning."""
    return python(
        *("manage.py", "zapi_simulator", "--host", host, "--port", str(port)),
        *("--take-http", "--emit", "--history", "120", "--rate", "0.7"),
    )
