"""`manage.py instances …`, as a script would use it."""

import io
import json
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from messages.instances.addresses import webhook_url
from messages.models import Instance, Webhook

pytestmark = pytest.mark.django_db

ADD = ("add", "--name", "Loja", "--zapi-id", "ABC", "--token", "the-secret-token")


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("instances", *arguments, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def test_add_connects_and_pushes(zapi):
    out, err = run(*ADD, "--client-token", "C", "--json")
    instance = Instance.objects.get()
    assert json.loads(out) == {
        "id": instance.pk,
        "name": "Loja",
        "zapi_id": "ABC",
        "webhook_url": webhook_url(instance),
    }
    assert err == ""
    assert zapi.instances["ABC"].urls["message-status"] == webhook_url(instance)


def test_add_can_leave_the_push_out(zapi):
    run(*ADD, "--no-push", "--json")
    assert zapi.calls == []
    assert Instance.objects.count() == 1


def test_add_succeeds_when_push_is_off_and_says_why(settings):
    settings.PUBLIC_BASE_URL = ""
    out, err = run(*ADD, "--json")
    assert json.loads(out)["webhook_url"].startswith("http://127.0.0.1")
    assert "PUBLIC_BASE_URL=https://" in err


def test_add_succeeds_when_the_push_fails_and_says_why(zapi):
    zapi.answer_name = "unauthorized"
    out, err = run(*ADD, "--json")
    assert json.loads(out)["zapi_id"] == "ABC"
    assert "instance id and token" in err


def test_add_refuses_an_instance_id_that_is_there(zapi):
    run(*ADD)
    with pytest.raises(CommandError, match="id ABC already"):
        run(*ADD)


def test_add_refuses_what_is_too_long():
    with pytest.raises(CommandError, match="100 characters"):
        run("add", "--name", "L" * 101, "--zapi-id", "ABC", "--token", "T")


def test_add_reads_the_token_from_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("from-stdin\n"))
    run("add", "--name", "Loja", "--zapi-id", "ABC", "--token", "-", "--no-push")
    assert Instance.objects.get().token.reveal() == "from-stdin"


def test_add_reads_the_tokens_from_the_environment(monkeypatch):
    monkeypatch.setenv("ZAPI_TOKEN", "T")
    monkeypatch.setenv("ZAPI_CLIENT_TOKEN", "C")
    run("add", "--name", "Loja", "--zapi-id", "ABC", "--no-push")
    assert Instance.objects.get().account.client_token.reveal() == "C"


def test_add_without_a_token_says_the_three_ways():
    with pytest.raises(CommandError, match="ZAPI_TOKEN"):
        run("add", "--name", "Loja", "--zapi-id", "ABC")


def test_no_token_is_ever_printed(zapi):
    zapi.answer_name = "client-token-wrong"
    told = "".join(run(*ADD, "--client-token", "the-secret-client-token"))
    told += "".join(run("list")) + "".join(run("list", "--json"))
    with pytest.raises(CommandError) as caught:
        run("push", "ABC")
    assert "the-secret" not in told + str(caught.value)


@pytest.mark.parametrize("which", ["instance.id", "its number", "--all"])
def test_push_takes_an_id_a_number_or_all(instance, zapi, which):
    run("push", str(instance.pk) if which == "its number" else which)
    assert Webhook.objects.get().state == "in sync"


def test_push_says_in_json_what_came_of_it(instance, zapi):
    assert json.loads(run("push", "instance.id", "--json")[0]) == {
        "id": instance.pk,
        "name": "Atendimento",
        "zapi_id": "instance.id",
        "kind": "message-status",
        "state": "in sync",
        "problem": "",
    }


def test_push_fails_in_words(instance, zapi):
    zapi.answer_name = "too-many"
    with pytest.raises(CommandError, match="Atendimento: Z-API asked for fewer calls"):
        run("push", "instance.id")


def test_push_fails_when_it_is_off(instance, settings):
    settings.PUBLIC_BASE_URL = ""
    with pytest.raises(CommandError, match="PUBLIC_BASE_URL"):
        run("push", "--all")


def test_verify_fails_when_the_url_is_not_there(instance, zapi):
    with pytest.raises(CommandError, match="no URL to call"):
        run("verify", "instance.id")


def test_verify_finds_what_was_pushed(instance, zapi):
    run("push", "instance.id")
    assert "In sync" in run("verify", "instance.id")[0]


def test_an_unknown_instance_is_said(instance):
    with pytest.raises(CommandError, match="no instance 999"):
        run("push", "999")


def test_list_tells_each_instance(instance, zapi, post):
    run("push", "instance.id")
    post({"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "phone": "5544"})
    (row,) = json.loads(run("list", "--json")[0])
    assert row["state"] == "in sync"
    assert row["connected"] is True
    assert row["last_heard_at"]
    assert "Atendimento" in run("list")[0]


def test_list_asks_the_same_number_of_times_for_many(instance, django_assert_num_queries):
    for number in range(3):
        Instance.objects.create(account=instance.account, name="N", zapi_id=f"Z{number}")
    with django_assert_num_queries(2):
        run("list")


def test_a_failure_is_an_exit_code_and_no_traceback():
    command = [sys.executable, "manage.py", "instances", "push"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
