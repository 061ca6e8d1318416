"""`manage.py instances …`, as a script would use it."""

import io
import json
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from messages.instances.webhook_urls import webhook_url
from messages.models import (
    Account,
    Action,
    AuditEvent,
    BatchRow,
    Instance,
    RowState,
    Webhook,
    WebhookKind,
)
from messages.simulator.gateway import Gateway, SimulatedInstance
from tests.plugins.zapi import FOREIGN_URL

pytestmark = pytest.mark.django_db

ADD = ("add", "--name", "Loja", "--zapi-id", "ABC", "--token", "the-secret-token")


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("instances", *arguments, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def test_add_stores_the_instance_and_pushes_the_url(zapi):
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


def test_add_with_no_push_does_not_call_zapi(zapi):
    run(*ADD, "--no-push", "--json")
    assert zapi.calls == []
    assert Instance.objects.count() == 1


def test_add_succeeds_when_push_is_off_and_says_why(settings):
    settings.PUBLIC_BASE_URL = ""
    out, err = run(*ADD, "--json")
    assert json.loads(out)["webhook_url"].startswith("http://localhost")
    assert "PUBLIC_BASE_URL=https://" in err


def test_add_succeeds_when_the_push_fails_and_says_why(zapi):
    zapi.answer_name = "unauthorized"
    out, err = run(*ADD, "--json")
    assert json.loads(out)["zapi_id"] == "ABC"
    assert "instance id and token" in err


def test_add_refuses_an_existing_instance_id(zapi):
    run(*ADD)
    with pytest.raises(CommandError, match="id ABC already exists"):
        run(*ADD)


def test_add_refuses_a_too_long_name():
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


def test_add_without_a_token_explains_how_to_give_one():
    with pytest.raises(CommandError, match="ZAPI_TOKEN"):
        run("add", "--name", "Loja", "--zapi-id", "ABC")


def test_commands_never_print_tokens(zapi):
    zapi.answer_name = "client-token-wrong"
    told = "".join(run(*ADD, "--client-token", "the-secret-client-token"))
    told += "".join(run("list")) + "".join(run("list", "--json"))
    with pytest.raises(CommandError) as caught:
        run("push", "ABC")
    assert "the-secret" not in told + str(caught.value)


@pytest.mark.parametrize("which", ["instance.id", "its number", "--all"])
def test_push_accepts_zapi_id_primary_key_or_all(instance, zapi, which):
    run("push", str(instance.pk) if which == "its number" else which)
    assert set(Webhook.objects.values_list("state", flat=True)) == {"in sync"}


def test_push_with_json_prints_the_result(instance, zapi):
    told = json.loads(run("push", "instance.id", "--json")[0])
    assert [one["kind"] for one in told.pop("webhooks")] == WebhookKind.values
    assert told == {
        "id": instance.pk,
        "name": "Atendimento",
        "zapi_id": "instance.id",
        "kind": "message-status",
        "state": "in sync",
        "problem": "",
        "problem_code": "",
        "previous_url": "",
    }


def test_failed_push_prints_the_reason(instance, zapi):
    zapi.answer_name = "too-many"
    with pytest.raises(CommandError, match="Atendimento: Z-API asks for fewer calls"):
        run("push", "instance.id")


def test_push_fails_if_push_is_disabled(instance, settings):
    settings.PUBLIC_BASE_URL = ""
    with pytest.raises(CommandError, match="PUBLIC_BASE_URL"):
        run("push", "--all")


def test_verify_fails_if_zapi_has_no_url(instance, zapi):
    with pytest.raises(CommandError, match="no URL to call"):
        run("verify", "instance.id")


def test_verify_after_a_push_is_in_sync(instance, zapi):
    run("push", "instance.id")
    assert "In sync" in run("verify", "instance.id")[0]


def test_unknown_instance_is_an_error(instance):
    with pytest.raises(CommandError, match="Instance 999 not found"):
        run("push", "999")


def test_list_shows_state_and_connection_of_each_instance(instance, zapi, post):
    run("push", "instance.id")
    post({"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "phone": "5544"})
    (row,) = json.loads(run("list", "--json")[0])
    assert row["state"] == "in sync"
    assert row["connected"] is True
    assert row["last_heard_at"]
    assert "Atendimento" in run("list")[0]


def test_list_query_count_is_fixed(instance, django_assert_num_queries):
    for number in range(3):
        Instance.objects.create(account=instance.account, name="N", zapi_id=f"Z{number}")
    with django_assert_num_queries(3):
        run("list")


def taken_by_somebody_else(zapi, kind: str = "message-status") -> None:
    zapi.instances["instance.id"] = SimulatedInstance(
        "instance.id", "token-of-the-instance", {kind: FOREIGN_URL}
    )


def url_at_zapi(zapi: Gateway) -> str:
    return zapi.instances["instance.id"].urls["message-status"]


def test_push_does_not_replace_a_foreign_url_by_default(instance, zapi):
    taken_by_somebody_else(zapi)
    with pytest.raises(CommandError, match="Used by another system"):
        run("push", "instance.id")
    assert url_at_zapi(zapi) == FOREIGN_URL


def test_push_with_replace_and_forward_forwards_to_the_previous_url(instance, zapi):
    taken_by_somebody_else(zapi)
    run("push", "instance.id", "--replace", "--forward")
    assert url_at_zapi(zapi) == webhook_url(instance)
    assert Webhook.objects.get(kind="message-status").forward_to == FOREIGN_URL


def test_push_with_forward_refuses_an_unsafe_url(instance, zapi):
    inside = "https://10.0.0.1/hook"
    zapi.instances["instance.id"] = SimulatedInstance(
        "instance.id", "token-of-the-instance", {"message-status": inside}
    )
    with pytest.raises(CommandError):
        run("push", "instance.id", "--replace", "--forward")
    assert url_at_zapi(zapi) == inside


def test_restore_sets_the_previous_url(instance, zapi):
    taken_by_somebody_else(zapi)
    run("push", "instance.id", "--replace")
    run("restore", "instance.id")
    assert url_at_zapi(zapi) == FOREIGN_URL


def test_take_every_lists_the_urls_it_would_replace(instance, zapi):
    taken_by_somebody_else(zapi, "received")
    with pytest.raises(CommandError, match=f"received: {FOREIGN_URL}"):
        run("take-every", "instance.id")
    run("take-every", "instance.id", "--replace")
    assert set(zapi.instances["instance.id"].urls.values()) == {webhook_url(instance)}


def test_rotate_pushes_a_new_url_and_keeps_the_old_key_valid(instance, zapi):
    run("push", "instance.id")
    before = url_at_zapi(zapi)
    run("rotate", "instance.id")
    instance.refresh_from_db()
    assert before != url_at_zapi(zapi) == webhook_url(instance)
    assert (instance.oldest_key_version, instance.key_version) == (1, 2)


def test_retire_waits_for_the_overlap_unless_now_is_given(instance, zapi):
    run("rotate", "instance.id")
    with pytest.raises(CommandError, match="Wait an hour"):
        run("retire", "instance.id")
    run("retire", "instance.id", "--now")
    instance.refresh_from_db()
    assert instance.oldest_key_version == 2


def test_new_token_is_verified_at_once(instance, zapi):
    run("push", "instance.id")
    with pytest.raises(CommandError, match="instance id and token"):
        run("rotate", "instance.id", "--token", "wrong")


def test_list_and_push_can_be_filtered_by_tag(instance, zapi):
    run("tag", "instance.id", "Acme, North")
    Instance.objects.create(account=instance.account, name="Other", zapi_id="O", token="t")
    assert [row["name"] for row in json.loads(run("list", "--tag", "acme", "--json")[0])] == [
        "Atendimento"
    ]
    run("push", "--tag", "Acme")
    assert set(zapi.instances) == {"instance.id"}


def test_push_all_prints_the_result_of_each_instance(instance, zapi):
    Instance.objects.create(account=instance.account, name="Other", zapi_id="O", token="t")
    told, progress = run("push", "--all", "--json")
    assert [row["state"] for row in json.loads(told)] == ["in sync", "in sync"]
    assert "2 of 2" in progress


CSV = "name;id;token;tags\nShop;S;secret-of-shop;Acme\nTwice;S;t;\n"


def test_import_with_dry_run_changes_nothing(zapi, tmp_path):
    file = tmp_path / "instances.csv"
    file.write_text(CSV)
    with pytest.raises(CommandError, match="1 rows were not imported"):
        run("import", str(file), "--dry-run")
    assert not Instance.objects.exists()
    assert not BatchRow.objects.exists()


def test_import_adds_tags_and_pushes_instances(zapi, tmp_path):
    file = tmp_path / "instances.csv"
    file.write_text(CSV)
    with pytest.raises(CommandError, match="1 rows were not imported"):
        run("import", str(file), "--push")
    instance = Instance.objects.get()
    assert [tag.name for tag in instance.tags.all()] == ["Acme"]
    assert zapi.instances["S"].urls["message-status"] == webhook_url(instance)
    assert BatchRow.objects.get(state=RowState.DONE).token.reveal() == ""


def test_stored_partner_token_is_audited(zapi):
    run("import", "--partner", "Reseller", "--partner-token", "partner")
    event = AuditEvent.objects.get(action=Action.ACCOUNT_CHANGED)
    assert event.details == {"account": "Reseller", "fields": ["partner_token"]}


def test_import_accepts_a_partner_list(zapi):
    zapi.instances = {"P": SimulatedInstance("P", "token-of-p")}
    run("import", "--partner", "Reseller", "--partner-token", "partner", "--push")
    assert Instance.objects.get().account.name == "Reseller"
    assert zapi.instances["P"].urls["message-status"]


def test_bulk_commands_are_audited(instance, zapi, tmp_path):
    file = tmp_path / "new.csv"
    file.write_text("name,zapi_id,token\nNew,new,secret\n")
    run("push", "--all")
    run("verify", "--all")
    run("import", str(file))
    written = AuditEvent.objects.values_list("action", flat=True)
    assert list(written.exclude(action=Action.WEBHOOK_PUSHED).order_by("id")) == [
        Action.BATCH_STARTED,
        Action.BATCH_STARTED,
        Action.INSTANCES_IMPORTED,
        Action.INSTANCE_ADDED,
    ]


def test_tagging_is_audited(instance):
    run("tag", str(instance.pk), "VIP")
    assert AuditEvent.objects.get().details == {"fields": ["tags"]}


def test_failed_command_has_an_exit_code_and_no_traceback():
    command = [sys.executable, "manage.py", "instances", "push"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def test_instance_can_be_archived_and_unarchived(instance, zapi):
    run("archive", instance.zapi_id)
    assert instance.zapi_id not in run("list")[0]
    run("unarchive", instance.zapi_id)
    assert instance.zapi_id in run("list")[0]


def test_archive_with_a_previous_url_needs_the_restore_option(instance, zapi):
    taken_by_somebody_else(zapi)
    run("push", instance.zapi_id, "--replace")
    with pytest.raises(CommandError, match="--restore"):
        run("archive", instance.zapi_id)
    run("archive", instance.zapi_id, "--restore")
    assert url_at_zapi(zapi) == FOREIGN_URL


def test_enforcing_the_token_needs_force_if_callbacks_would_fail(instance, post):
    post({"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "phone": "5544"})
    with pytest.raises(CommandError, match="1 without a token"):
        run("token-policy", instance.zapi_id, "enforce")
    run("token-policy", instance.zapi_id, "enforce", "--force")
    assert Instance.objects.get().token_policy == "enforce"


def test_take_every_keeps_sent_by_me_and_can_forward(instance, zapi):
    taken_by_somebody_else(zapi, "chat-presence")
    zapi.instances["instance.id"].sent_by_me = True
    run("take-every", "instance.id", "--replace", "--forward")
    assert zapi.instances["instance.id"].sent_by_me
    assert Webhook.objects.get(kind="chat-presence").forward_to == FOREIGN_URL
    run("take-every", "instance.id", "--no-sent-by-me")
    assert not zapi.instances["instance.id"].sent_by_me


def test_dry_run_of_a_partner_list_stores_nothing(zapi):
    zapi.instances["P"] = SimulatedInstance("P", "token-of-p")
    out, _err = run("import", "--partner", "R", "--partner-token", "the-partner-token", "--dry-run")
    assert "Add:" in out
    assert not Account.objects.exists()
    assert not BatchRow.objects.exists()


def test_new_partner_token_replaces_the_one_of_its_account(account, zapi):
    for token in ("the-first-one", "the-second-one"):
        run("import", "--partner", account.name, "--partner-token", token)
    assert Account.objects.get().partner_token.reveal() == "the-second-one"


def test_refused_partner_token_is_not_stored(account, zapi):
    zapi.answer_name = "unauthorized"
    with pytest.raises(CommandError, match="does not know this partner token"):
        run("import", "--partner", account.name, "--partner-token", "the-wrong-one")
    assert not Account.objects.get().partner_token
