"""Events, recipients, instances, summaries and incidents."""

from datetime import timedelta

import pytest
from django.utils import timezone

from messages.models import HourlySummary, Incident, Instance, KeyRole


@pytest.fixture
def supervisor(make_key):
    return make_key(KeyRole.SUPERVISOR)


@pytest.fixture
def hour(instance):
    return HourlySummary.objects.create(
        instance=instance,
        hour=timezone.now().replace(minute=0, second=0, microsecond=0),
        is_group=False,
        messages=3,
        sent=2,
        delivered_within_1=1,
        computed_at=timezone.now(),
    )


@pytest.fixture
def incident(instance):
    now = timezone.now()
    return Incident.objects.create(
        kind="disconnected", instance=instance, opened_at=now, last_seen_at=now
    )


@pytest.fixture
def many(report, account):
    for number in range(3):
        report("SENT", "READ", id=str(number))
        Instance.objects.create(account=account, name="Vendas", zapi_id=f"V{number}")


def rows(caller, path, **query):
    return caller.read(path, **query)["results"]


def test_events_contain_their_message_and_instance(reader, report):
    message = report("SENT", "READ")
    newest, first = rows(reader, "/events/")
    assert (newest["status"], first["status"]) == ("READ", "SENT")
    assert (newest["message"], newest["message_id"]) == (message.pk, "3EB0A1")
    assert newest["instance"]["zapi_id"] == "instance.id"


@pytest.mark.parametrize(
    "query",
    [
        lambda message: {"message": message.pk},
        lambda message: {"message_id": "3EB0A1"},
        lambda message: {"message_id": "3EB0A1", "instance": message.instance_id},
    ],
)
def test_events_can_be_filtered_by_message(reader, report, query):
    message = report("READ")
    report("READ", id="OTHER")
    assert [row["message_id"] for row in rows(reader, "/events/", **query(message))] == ["3EB0A1"]


def test_recipients_contain_counts_by_status(reader, report):
    report("READ", id="A")
    report("SENT", id="B")
    report("SENT", id="C", phone="5511988887777")
    first, second = rows(reader, "/recipients/")
    assert (first["phone"], second["phone"]) == ("5511988887777", "5544999999999")
    assert (second["messages"], second["delivered"], second["read"]) == (2, 1, 1)


def test_recipient_is_found_without_the_ninth_digit(reader, report):
    report("READ", phone="554499999999")
    assert len(rows(reader, "/recipients/", phone="+55 44 99999-9999")) == 1


def test_recipients_are_paginated(reader, report):
    for number in range(3):
        report("SENT", id=str(number), phone=f"551198888777{number}")
    page = reader.read("/recipients/", limit=2)
    (last,) = reader.read(page["next"])["results"]
    assert last["phone"] == "5511988887772"


def test_instance_contains_its_state_and_no_secret(supervisor, instance, account):
    (row,) = rows(supervisor, "/instances/")
    assert row == supervisor.read(f"/instances/{instance.pk}/")
    assert (row["zapi_id"], row["account"], row["webhook"]) == (
        "instance.id",
        "Loja",
        "never verified",
    )
    text = str(row)
    for secret in (instance.token.reveal(), account.client_token.reveal(), "/webhooks/"):
        assert secret not in text


def test_archived_instance_is_not_listed(supervisor, instance):
    Instance.objects.update(archived_at=timezone.now())
    assert rows(supervisor, "/instances/") == []


@pytest.mark.usefixtures("hour")
def test_summary_contains_the_counts_of_an_hour(reader):
    (row,) = rows(reader, "/summaries/")
    assert (row["messages"], row["sent"], row["delivered_within"]["1"]) == (3, 2, 1)


def test_summaries_can_be_filtered_by_time_and_groups(reader, hour):
    after = (hour.hour + timedelta(hours=1)).isoformat()
    assert rows(reader, "/summaries/", since=after) == []
    assert len(rows(reader, "/summaries/", until=after, groups="false")) == 1
    assert rows(reader, "/summaries/", groups="true") == []


def test_incidents_can_be_filtered_by_open(supervisor, incident):
    (row,) = rows(supervisor, "/incidents/", open="true")
    assert (row["kind"], row["instance"]["name"]) == ("disconnected", "Atendimento")
    assert rows(supervisor, "/incidents/", open="false") == []


@pytest.mark.usefixtures("hour", "incident", "many")
@pytest.mark.parametrize(
    "path", ["messages", "events", "recipients", "instances", "summaries", "incidents", "schema"]
)
def test_url_without_the_last_slash_gives_the_same_result(supervisor, path):
    with_slash, without = supervisor.read(f"/{path}/"), supervisor.read(f"/{path}")
    assert without.get("results") == with_slash.get("results")


@pytest.mark.usefixtures("hour", "incident")
@pytest.mark.parametrize("path", ["/instances/", "/summaries/", "/incidents/"])
def test_limited_key_sees_no_other_instance(make_key, account, path):
    other = Instance.objects.create(account=account, name="Vendas", zapi_id="V")
    limited = make_key(KeyRole.ADMIN, instances=[other])
    assert "Atendimento" not in str(rows(limited, path))


@pytest.mark.usefixtures("hour", "incident", "many")
@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/events/", 4),
        ("/recipients/", 4),
        ("/instances/", 7),
        ("/summaries/", 4),
        ("/incidents/", 5),
    ],
)
def test_each_list_has_a_fixed_query_count(supervisor, django_assert_num_queries, path, queries):
    supervisor.read(path)
    # Three queries are for the key, its rate limit and its limits.
    with django_assert_num_queries(queries):
        supervisor.read(path)
