"""manage.py apikeys."""

import io

import pytest
from django.core.management import CommandError, call_command

from messages.models import Action, ApiKey, AuditEvent, Instance
from tests.plugins.api import Caller

from .test_keys import assert_problem


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("apikeys", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def create(*arguments, role="support"):
    out, _ = run("create", "--name", "CRM", "--role", role, *arguments)
    return Caller(out.strip())


@pytest.mark.parametrize("role", ["support", "supervisor", "admin"])
def test_create_prints_only_the_key_and_it_can_read(db, role):
    out, err = run("create", "--name", "CRM", "--role", role)
    assert out.count("\n") == 1
    assert "not shown again" in err
    Caller(out.strip()).read("/messages/")


@pytest.mark.parametrize(
    ("role", "arguments", "labels"),
    [
        ("support", [], False),
        ("support", ["--labels"], True),
        ("supervisor", [], True),
        ("supervisor", ["--read-only"], False),
        ("supervisor", ["--no-read"], True),
        ("admin", [], True),
        ("admin", ["--read-only"], False),
    ],
)
def test_key_can_label_depending_on_role_and_options(instance, role, arguments, labels):
    path = "/messages/instance.id/M/label"
    answer = create(*arguments, role=role).send("PUT", path, {"label": "L"})
    assert answer.status_code == (200 if labels else 403)


def test_key_can_be_limited_to_an_instance_or_account(report, account):
    report("SENT")
    Instance.objects.create(account=account, name="Vendas", zapi_id="V")
    for name in ("V", str(Instance.objects.get(zapi_id="V").pk)):
        assert create("--instance", name).read("/messages/")["results"] == []
    assert create("--account", "Loja").read("/messages/")["results"] != []


def test_key_expires(db):
    create("--expires", "30")
    assert ApiKey.objects.get().expires_at is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--instance", "nothing"],
        ["--account", "nothing"],
        ["--expires", "0"],
        ["--expires", "9999999"],
        ["--no-read"],
        ["--no-read", "--read-only"],
        ["--labels", "--read-only"],
        ["--name", " "],
    ],
)
def test_invalid_options_are_refused(db, arguments):
    with pytest.raises(CommandError):
        create(*arguments)
    assert not ApiKey.objects.exists()


def test_list_shows_permissions_but_not_the_keys(db):
    key = create("--labels").key
    out, _ = run("list")
    for words in (key[:11], "CRM", "support", "reads and labels", "last used never"):
        assert words in out
    assert key not in out


def test_revoked_key_is_refused(db):
    caller = create()
    run("revoke", caller.key[:11])
    assert_problem(caller.send("GET", "/messages/"), 401)
    assert "revoked" in run("list")[0]


def test_creating_and_revoking_are_audited_without_the_key(db):
    caller = create()
    run("revoke", caller.key)
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions == [Action.API_KEY_CREATED, Action.API_KEY_REVOKED]
    assert caller.key[12:] not in str(list(AuditEvent.objects.values()))
