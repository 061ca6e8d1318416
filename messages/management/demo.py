"""What `serve --demo` (`make demo`) adds: a Z-API simulator, instances and a month of history."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError

from messages.instances.foreign_webhooks import replace_every
from messages.instances.push import push_wanted
from messages.jobs.processes import ProcessGroup, python
from messages.models import Instance, Message, WebhookState

from .demo_data import INSTANCES, RATE, SEED, fill


def start_demo(processes: ProcessGroup) -> None:
    """Start the simulator, and fill an empty database before other processes use it.

    Raise CommandError unless the settings are those of `make demo`.
    """
    gateway = urlsplit(settings.ZAPI_BASE_URL)
    if not (settings.DEMO and gateway.hostname and gateway.port):
        raise CommandError("The demo needs its own settings. Start it with: make demo")
    # Another seed at each later start, because the same seed gives the same message ids.
    seed = SEED + Message.objects.count()
    processes.start("Z-API simulator", simulator(gateway.hostname, gateway.port, seed))
    if not Instance.objects.exists():
        fill()
    processes.wait_for_port(gateway.hostname, gateway.port)


def connect_demo() -> None:
    """Push the webhooks, so that the simulator begins to send callbacks."""
    for demo in INSTANCES:
        instance = Instance.objects.get(zapi_id=demo.zapi_id)
        is_foreign = demo.case == "foreign"
        for webhook in push_wanted(instance):
            if webhook.state != WebhookState.IN_SYNC and not is_foreign:
                raise CommandError(f"{demo.name}: {webhook.problem_text}")
        if not is_foreign:
            # So that answers arrive.
            replace_every(instance)


def simulator(host: str, port: int, seed: int) -> list[str]:
    cases = [f"--case={one.zapi_id}:{one.case}" for one in INSTANCES if one.case]
    return python(
        *("manage.py", "zapi_simulator", "--host", host, "--port", str(port), "--take-http"),
        *("--emit", "--rate", str(RATE), "--seed", str(seed), *cases),
    )
