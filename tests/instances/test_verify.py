"""The worker's regular checks of instances at Z-API: results, intervals and call budget."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from messages.domain.problems import Problem
from messages.instances import sync
from messages.instances import verify as module
from messages.instances.foreign_webhooks import leave_unchanged
from messages.instances.push import push_wanted
from messages.instances.verify import verify, verify_due
from messages.instances.webhook_urls import webhook_url
from messages.models import Account, Instance, Webhook, WebhookState
from messages.simulator.gateway import HOOKS, SimulatedInstance
from tests.plugins.zapi import FOREIGN_URL


def make_due() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Instance.objects.update(next_check_at=past)
    Account.objects.update(next_turn_at=past)


def fresh(instance: Instance) -> Instance:
    return Instance.objects.get(pk=instance.pk)


def several(account: Account, number: int) -> list[Instance]:
    return [
        Instance.objects.create(account=account, name=f"N{one}", zapi_id=f"Z{one}", token="t")
        for one in range(number)
    ]


def test_instance_is_verified_when_due(instance, zapi):
    assert verify_due() == 1
    assert verify_due() == 0
    make_due()
    assert verify_due() == 1
    assert {call.path.rpartition("/")[2] for call in zapi.calls} == {"me", "status"}


def test_next_checks_are_spread_over_time(account, zapi):
    several(account, 8)
    verify_due()
    waits = [
        (one.next_check_at - timezone.now()).total_seconds() / 60 for one in Instance.objects.all()
    ]
    assert len({round(wait, 3) for wait in waits}) == 8
    assert all(11 < wait <= 18 for wait in waits)


def test_verify_reports_drift_without_replacing_the_url(instance, zapi):
    push_wanted(instance)
    zapi.instances[instance.zapi_id].urls["message-status"] = FOREIGN_URL
    make_due()
    verify_due()
    webhook = Webhook.objects.get(kind="message-status")
    assert (webhook.state, webhook.found_url) == (WebhookState.DIFFERS, FOREIGN_URL)
    assert zapi.instances[instance.zapi_id].urls["message-status"] == FOREIGN_URL


def test_unreachable_instance_is_checked_with_growing_delays(instance, zapi):
    zapi.answer_name = "fault"
    waits = []
    for _ in range(3):
        make_due()
        verify_due()
        waits.append((fresh(instance).next_check_at - timezone.now()).total_seconds() / 60)
    assert 20 < waits[0] < 40 < waits[1] < 80 < waits[2] < 150
    assert Webhook.objects.get(kind="message-status").state == WebhookState.UNREACHABLE


def test_successful_check_resets_the_delay(instance, zapi):
    zapi.answer_name = "fault"
    verify_due()
    zapi.answer_name = "ok"
    make_due()
    verify_due()
    assert fresh(instance).failed_checks == 0


def test_verify_respects_the_call_budget_of_an_account(account, zapi, monkeypatch):
    monkeypatch.setattr(module, "INSTANCES_PER_PERIOD", 3)
    several(account, 5)
    assert verify_due() == 3
    assert verify_due() == 0
    Account.objects.update(next_turn_at=timezone.now())
    assert verify_due() == 2


def test_partner_list_verifies_all_instances_in_one_call(account, zapi):
    instances = several(account, 20)
    for one in instances:
        zapi.instances[one.zapi_id] = listed_in_full(one, connected=False)
    account.partner_token = "partner"
    account.save()
    assert verify_due() == 20
    assert [call.path.partition("?")[0] for call in zapi.calls] == ["/instances"]
    assert set(Instance.objects.values_list("connected", flat=True)) == {False}


def test_failing_instance_in_a_partner_list_does_not_stop_the_others(account, zapi, monkeypatch):
    first, *others = several(account, 3)
    account.partner_token = "partner"
    account.save()

    def stumble(instance, *arguments, **more):
        if instance == first:
            raise ValueError
        sync.save_observed(instance, *arguments, **more)

    for one in (first, *others):
        zapi.instances[one.zapi_id] = listed_in_full(one, connected=False)
    monkeypatch.setattr(module, "save_observed", stumble)
    assert verify_due() == 3
    assert [fresh(one).connected for one in (first, *others)] == [None, False, False]
    assert verify_due() == 0


def test_instance_missing_from_the_partner_list_says_so(account, instance, zapi):
    account.partner_token = "partner"
    account.save()
    verify_due()
    assert Webhook.objects.get(kind="message-status").problem == Problem.NOT_LISTED


def test_partner_list_of_two_pages_is_read_completely(account, zapi):
    instances = several(account, 130)
    for one in instances:
        zapi.instances[one.zapi_id] = listed_in_full(one)
    account.partner_token = "partner"
    account.save()
    verify_due()
    assert Instance.objects.filter(checked_at=None).count() == 0
    assert len(zapi.calls) == 2


def listed_in_full(instance: Instance, **told: Any) -> SimulatedInstance:
    """A simulated instance whose partner list contains all URLs, as before July."""
    return SimulatedInstance(instance.zapi_id, "t", listed_hooks=tuple(HOOKS), **told)


def listed(instance: Instance, zapi: Any, **told: Any) -> None:
    """Simulate a partner list with one URL per instance, as in Z-API's documentation since July."""
    url = webhook_url(instance)
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id,
        instance.token.reveal(),
        urls=dict.fromkeys(("message-status", "delivery"), url),
        listed_hooks=("received",),
        **told,
    )
    Account.objects.update(partner_token="partner")


def test_partner_list_without_our_urls_checks_the_instance_directly(instance, zapi):
    listed(instance, zapi)
    verify_due()
    assert instance.webhooks.get(kind="message-status").state == WebhookState.IN_SYNC
    assert [call.path.rpartition("/")[2] for call in zapi.calls][1:2] == ["me"]


def test_partner_list_without_any_url_keeps_the_found_url(instance, zapi):
    listed(instance, zapi)
    verify(instance)
    make_due()
    zapi.instances[instance.zapi_id].listed_hooks = ()
    Webhook.objects.update(wanted=True)
    verify_due()
    assert instance.webhooks.get(kind="message-status").found_url == webhook_url(instance)


@pytest.mark.parametrize("status", ["", None])
def test_empty_payment_status_keeps_the_stored_one(instance, zapi, status):
    Instance.objects.update(payment_status="ACTIVE")
    listed(instance, zapi, payment_status=status)
    verify_due()
    assert fresh(instance).payment_status == "ACTIVE"


def test_invalid_partner_token_checks_each_instance_directly(account, instance, zapi):
    account.partner_token = "a\nb"
    account.save()
    verify_due()
    assert fresh(instance).connected is True


def test_archived_instance_is_not_verified(instance, zapi):
    Instance.objects.update(archived_at=timezone.now())
    assert verify_due() == 0


@pytest.mark.parametrize("due", [1_893_456_000, 1_893_456_000_000, "1893456000000"])
def test_due_date_is_read_in_seconds_or_milliseconds(instance, zapi, due):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), due=due, payment_status="TRIAL"
    )
    verify_due()
    assert fresh(instance).due_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert fresh(instance).payment_status == "TRIAL"


@pytest.mark.parametrize("due", [None, "soon", 10**30, 0, 99_999_999_999])
def test_invalid_due_date_is_stored_as_none(instance, zapi, due):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), due=due
    )
    verify_due()
    assert fresh(instance).due_at is None


def test_missing_filters_are_stored_as_none(instance, zapi):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), shows_filters=False
    )
    verify_due()
    assert fresh(instance).filters is None


def test_newer_connection_callback_overrides_the_check(instance, zapi, post):
    later = datetime.now(UTC) + timedelta(minutes=5)
    post({"type": "DisconnectedCallback", "momment": int(later.timestamp()), "error": "gone"})
    verify_due()
    assert fresh(instance).connected is False
    assert fresh(instance).connection_reason == "gone"


def test_check_overrides_an_older_connection_callback(instance, zapi, post):
    post({"type": "DisconnectedCallback", "momment": 1_580_163_342, "error": "gone"})
    verify_due()
    assert fresh(instance).connected is True


def test_check_with_the_same_state_keeps_start_and_reason(instance, zapi, post):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), connected=False
    )
    post({"type": "DisconnectedCallback", "momment": 1_580_163_342, "error": "gone"})
    before = fresh(instance).connection_changed_at
    verify_due()
    after = fresh(instance)
    assert (after.connection_changed_at, after.connection_reason) == (before, "gone")


def test_reason_of_a_disconnection_is_kept_until_reconnection(instance, zapi, post):
    remembered = zapi.instances[instance.zapi_id] = SimulatedInstance(
        *(instance.zapi_id, instance.token.reveal()),
        connected=False,
        smartphone=True,
        status_error="You need to restore the session",
    )
    verify(instance)
    told = fresh(instance)
    assert (told.status_error, told.smartphone_connected) == (remembered.status_error, True)
    later = datetime.now(UTC) + timedelta(seconds=5)
    post({"type": "ConnectedCallback", "momment": int(later.timestamp()) * 1000})
    assert (fresh(instance).connected, fresh(instance).status_error) == (True, "")


def test_token_in_the_status_error_is_redacted(instance, zapi):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        *(instance.zapi_id, instance.token.reveal()),
        connected=False,
        status_error="Client-Token the-client-token not allowed here\x00\ud800",
    )
    verify(instance)
    assert "the-client-token" not in fresh(instance).status_error


def test_connection_callback_older_than_the_last_check_is_ignored(instance, zapi, post):
    post({"type": "ConnectedCallback", "momment": 1_580_163_342_000})
    verify_due()
    a_minute_ago = int(timezone.now().timestamp()) - 60
    post({"type": "DisconnectedCallback", "momment": a_minute_ago})
    assert fresh(instance).connected is True


def test_push_during_a_check_overrides_its_result(instance, zapi, monkeypatch):
    def pushed_meanwhile(*arguments, **options):
        push_wanted(Instance.objects.get())
        zapi.instances[instance.zapi_id].urls["message-status"] = FOREIGN_URL
        return sync.save_observed(*arguments, **options)

    monkeypatch.setattr(module, "save_observed", pushed_meanwhile)
    verify_due()
    assert Webhook.objects.get(kind="message-status").state == WebhookState.IN_SYNC


def test_leave_unchanged_during_a_check_is_kept(instance, zapi, monkeypatch):
    push_wanted(instance)
    make_due()

    def left_meanwhile(*arguments, **options):
        leave_unchanged(Webhook.objects.get(kind="delivery"))
        return sync.save_observed(*arguments, **options)

    monkeypatch.setattr(module, "save_observed", left_meanwhile)
    with_webhooks = Instance.objects.prefetch_related("webhooks").select_related("account").get()
    module.check(with_webhooks)
    webhook = Webhook.objects.get(kind="delivery")
    assert (webhook.wanted, webhook.state) == (False, WebhookState.OFF)
