"""The data of `make demo`: instances, a month of history, labels, people and past problems."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from messages.accounts.roles import SUPERVISOR, SUPPORT
from messages.ingest.delivery import Delivery, first_id_at
from messages.ingest.store import store as store_delivery
from messages.instances.connect import connect
from messages.instances.tags import set_tags
from messages.models import Incident, IncidentKind, Instance, Label, Message, Rhythm
from messages.models.fields import token_digest
from messages.simulator.scenarios import (
    DISCONNECTED_FOR,
    ScheduledCallback,
    history,
    live,
    own_number,
)
from messages.summaries import find_receipts_off

from .history import History
from .history_rows import store

SEED: Final = 1
# Callbacks per second and instance, so that an hour of live traffic is like an hour of the history.
RATE: Final = 0.04
_DAYS: Final = 30
_MESSAGES, _MESSAGES_OF_LAST_DAY = 9000, 60
# The messages of the next callbacks are labelled now, for so many callbacks.
_LIVE_CALLBACKS: Final = 2000
# Labels of messages that Z-API never reported.
_NEVER_CONFIRMED: Final = 3
_PEOPLE: Final = {"Ana": SUPERVISOR, "Rafael": SUPERVISOR, "Bia": SUPPORT}


@dataclass(frozen=True, slots=True)
class DemoInstance:
    """`case` is one of the simulator's cases. `taken_over` is when another system took its URL."""

    name: str
    zapi_id: str
    client_token: str
    case: str = ""
    tag: str = ""
    labels: tuple[str, ...] = ()
    age: timedelta = timedelta(days=_DAYS)
    taken_over: timedelta = timedelta()

    @property
    def token(self) -> str:
        return f"demo-token-{self.zapi_id}"


_ORDERS: Final = (
    "Pedido nº {} confirmado",
    "Pedido nº {} saiu para entrega",
    "Nota fiscal do pedido nº {}",
)
INSTANCES: Final = (
    DemoInstance(
        *("Loja Centro", "3C0D5A1E7B2F4896A1B2C3D4E5F60718", "F-demo-client-token"),
        *("", "loja", _ORDERS),
    ),
    DemoInstance(
        *("Suporte", "3C0D5A1E7B2F4896A1B2C3D4E5F60729", "F-demo-client-token", "receipts-off"),
        *("atendimento", ("Chamado {}: recebemos sua mensagem", "Chamado {} resolvido")),
    ),
    DemoInstance(
        *("Cobrança", "3C0DAB1E7B2F4896A1B2C3D4E5F6073A", "F-other-client-token", "restricted"),
        *("financeiro", ("Boleto {} vence amanhã", "2ª via do boleto {}")),
    ),
    DemoInstance(
        *("Filial Sul", "3C0DAB1E7B2F4896A1B2C3D4E5F6074B", "F-other-client-token"),
        *("disconnected", "loja", _ORDERS),
    ),
    DemoInstance(
        *("Matriz", "3C0DAB1E7B2F4896A1B2C3D4E5F6075C", "F-other-client-token", "foreign"),
        labels=_ORDERS,
        age=timedelta(days=9),
        taken_over=timedelta(days=2),
    ),
    DemoInstance(
        *("Filial Norte", "3C0DAB1E7B2F4896A1B2C3D4E5F6076D", "F-other-client-token"),
        *("silent", "loja", _ORDERS),
    ),
)


@dataclass(frozen=True, slots=True)
class PastProblem:
    """`began` is how long ago it began. It is over unless `lasted` is zero."""

    instance: str
    kind: IncidentKind
    began: timedelta
    lasted: timedelta = timedelta()
    who: str = ""
    note: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pauses_messages(self) -> bool:
        return self.kind in (IncidentKind.DISCONNECTED, IncidentKind.SILENT)


def _ago(**length: float) -> timedelta:
    return timedelta(**length)


_DEVICE_LOST: Final = {"reason": "Device has been disconnected"}
_TAKEN: Final = {"hooks": ["message-status"], "foreign": ["message-status"]}
_PROBLEMS: Final = (
    PastProblem(
        *("Matriz", IncidentKind.WEBHOOK, _ago(days=2), timedelta(), "Ana"),
        *("Pedi ao fornecedor do CRM para encaminhar os avisos.", _TAKEN),
    ),
    PastProblem(
        *("Loja Centro", IncidentKind.STUCK, _ago(days=1, hours=7), _ago(minutes=52), "Rafael"),
        *("Celulares sem sinal depois do temporal.", {"count": 4}),
    ),
    PastProblem(
        *("Filial Norte", IncidentKind.SILENT, _ago(days=1, hours=20), _ago(hours=2, minutes=10)),
        values={"silence": 7800, "usual": 600},
    ),
    PastProblem(
        *("Loja Centro", IncidentKind.DISCONNECTED, _ago(days=3, hours=5), _ago(minutes=38)),
        *("Ana", "Celular sem bateria.", _DEVICE_LOST),
    ),
    PastProblem(
        *("Cobrança", IncidentKind.FAILING, _ago(days=5, hours=3), _ago(minutes=44), "Ana"),
        *("Lista de contatos antiga.", {"failed": 11, "sent": 31}),
    ),
    PastProblem(
        *("Suporte", IncidentKind.UNREACHABLE, _ago(days=7, hours=2), _ago(minutes=25)),
        values={"problem": "timeout"},
    ),
    PastProblem(
        *("Filial Sul", IncidentKind.DISCONNECTED, _ago(days=9, hours=4), _ago(hours=16)),
        *("Ana", "Celular trocado; QR code lido de novo.", _DEVICE_LOST),
    ),
    PastProblem(
        *("Cobrança", IncidentKind.RESTRICTED, _ago(days=12, hours=9), _ago(hours=21)),
        *("Ana", "Campanha pausada até o dia seguinte.", {"refused": 23}),
    ),
    PastProblem(
        *("Suporte", IncidentKind.SILENT, _ago(days=16, hours=6), _ago(hours=1, minutes=50)),
        values={"silence": 6600, "usual": 540},
    ),
    PastProblem(
        *("Filial Sul", IncidentKind.DISCONNECTED, _ago(days=20, hours=8), _ago(minutes=55)),
        values=_DEVICE_LOST,
    ),
)


def fill() -> None:
    """Create everything. The same data each time, relative to the current time."""
    now = timezone.now()
    instances = {one.name: _connect(one, now) for one in INSTANCES}
    _store_month(instances, now)
    _store_problems(instances, _add_people(), now)
    with transaction.atomic():
        _store_last_day(instances, now)
    _announce_in_vain(instances["Loja Centro"], now)
    _change_number(instances["Suporte"], now)
    Rhythm.objects.create(
        instance=instances["Filial Norte"], learnt_at=now, hours=[600.0] * 72, longest=1800
    )
    find_receipts_off()


def _store_last_day(instances: Mapping[str, Instance], now: datetime) -> None:
    """The callbacks of the last day, and the labels of these and of the next messages."""
    for demo in INSTANCES:
        instance = instances[demo.name]
        callbacks = _last_callbacks(demo, now)
        _store_callbacks(demo, callbacks)
        expected = live(demo.zapi_id, seed=SEED + 1, started=now.timestamp(), rate=RATE)
        _label(demo, instance, _ids([*callbacks, *islice(expected, _LIVE_CALLBACKS)]))


def _connect(demo: DemoInstance, now: datetime) -> Instance:
    instance = connect(
        name=demo.name, zapi_id=demo.zapi_id, token=demo.token, client_token=demo.client_token
    )
    set_tags(instance, [demo.tag] if demo.tag else [])
    number = own_number(demo.zapi_id)
    facts: dict[str, Any] = {"created_at": now - demo.age, "number": number}
    if demo.case == "disconnected":
        lost_at = now - timedelta(seconds=DISCONNECTED_FOR)
        facts |= {"connected": False, "connection_changed_at": lost_at}
    Instance.objects.filter(pk=instance.pk).update(**facts)
    instance.refresh_from_db()
    return instance


def _store_month(instances: Mapping[str, Instance], now: datetime) -> None:
    """All but the last day, which has callbacks."""
    generated = History(
        messages=_MESSAGES,
        days=_DAYS - 1,
        instances=[one.pk for one in instances.values()],
        seed=str(SEED),
        now=(now - timedelta(days=1)).timestamp(),
    )
    generated.unread = {instances[one.name].pk for one in INSTANCES if one.case == "receipts-off"}
    generated.pauses = {instances[one.name].pk: _pauses(one, now) for one in INSTANCES}
    store(generated)
    for demo in INSTANCES:
        instance = instances[demo.name]
        sent = Message.objects.filter(instance=instance, inbound=False)
        _label(demo, instance, sent.values_list("zapi_id", "zaap_id"))


def _pauses(demo: DemoInstance, now: datetime) -> list[tuple[float, float]]:
    at = now.timestamp()
    pauses = [(0.0, at - demo.age.total_seconds())]
    if demo.taken_over:
        pauses.append((at - demo.taken_over.total_seconds(), at))
    for one in _PROBLEMS:
        if one.instance == demo.name and one.pauses_messages:
            since = at - one.began.total_seconds()
            pauses.append((since, since + one.lasted.total_seconds()))
    return pauses


def _add_people() -> dict[str, User]:
    people = {}
    for name, role in _PEOPLE.items():
        people[name] = User.objects.create_user(name)
        people[name].groups.add(Group.objects.get(name=role))
    return people


def _store_problems(
    instances: Mapping[str, Instance], people: Mapping[str, User], now: datetime
) -> None:
    for one in _PROBLEMS:
        opened = now - one.began
        over = opened + one.lasted if one.lasted else None
        acknowledged = opened + timedelta(minutes=9) if one.who else None
        Incident.objects.create(
            kind=one.kind,
            instance=instances[one.instance],
            values=dict(one.values),
            opened_at=opened,
            last_seen_at=over or now,
            resolved_at=over,
            acknowledged_at=acknowledged,
            acknowledged_by=people.get(one.who),
            note=one.note,
        )


def _last_callbacks(demo: DemoInstance, now: datetime) -> list[ScheduledCallback]:
    """The callbacks of the last day, or of the last day before another system took the URL."""
    return history(
        demo.zapi_id,
        seed=SEED,
        now=(now - demo.taken_over).timestamp(),
        messages=_MESSAGES_OF_LAST_DAY // (3 if demo.taken_over else 1),
        case=demo.case,
    )


def _store_callbacks(demo: DemoInstance, callbacks: Iterable[ScheduledCallback]) -> None:
    digest = token_digest(demo.token)
    for number, callback in enumerate(callbacks):
        at = datetime.fromtimestamp(callback.at, timezone.get_default_timezone())
        # The number makes ids of the same millisecond different.
        id_ = UUID(int=first_id_at(at).int + number)
        store_delivery(Delivery(id_, demo.zapi_id, 1, at, callback.body, digest))


def _ids(callbacks: Iterable[ScheduledCallback]) -> Iterable[tuple[str, str]]:
    """The two ids of each message that was sent."""
    payloads = [one.payload for one in callbacks if one.hook == "delivery"]
    return dict.fromkeys((one["messageId"], one["zaapId"]) for one in payloads)


def _label(demo: DemoInstance, instance: Instance, ids: Iterable[tuple[str, str]]) -> None:
    """Label two of three messages."""
    first = 1000 + Label.objects.filter(instance=instance).count()
    now = timezone.now()
    labelled = [pair for place, pair in enumerate(ids) if demo.labels and place % 3]
    Label.objects.bulk_create(
        Label(
            instance=instance,
            zapi_id=zapi_id,
            zaap_id=zaap_id,
            reference=f"P-{number}",
            label=demo.labels[number % len(demo.labels)].format(number),
            updated_at=now,
        )
        for number, (zapi_id, zaap_id) in enumerate(labelled, first)
    )


def _announce_in_vain(instance: Instance, now: datetime) -> None:
    for number in range(_NEVER_CONFIRMED):
        Label.objects.create(
            instance=instance,
            zapi_id=f"3EB0{number:018X}",
            reference=f"P-{900 + number}",
            label=_ORDERS[0].format(900 + number),
            updated_at=now,
            awaited_since=now - timedelta(minutes=40),
        )


def _change_number(instance: Instance, now: datetime) -> None:
    instance.previous_number, instance.number_changed_at = "5511988887777", now - timedelta(hours=3)
    instance.save(update_fields=["previous_number", "number_changed_at"])
