"""The worker's round of questions: what it learns, how often it asks, and whom."""

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


def test_an_instance_is_verified_once_and_again_when_its_time_comes(instance, zapi):
    assert verify_due() == 1
    assert verify_due() == 0
    make_due()
    assert verify_due() == 1
    assert {call.path.rpartition("/")[2] for call in zapi.calls} == {"me", "status"}


def test_the_next_time_is_not_the_same_for_all(account, zapi):
    several(account, 8)
    verify_due()
    waits = [
        (one.next_check_at - timezone.now()).total_seconds() / 60 for one in Instance.objects.all()
    ]
    assert len({round(wait, 3) for wait in waits}) == 8
    assert all(11 < wait <= 18 for wait in waits)


def test_drift_is_found_and_left_alone(instance, zapi):
    push_wanted(instance)
    zapi.instances[instance.zapi_id].urls["message-status"] = FOREIGN_URL
    make_due()
    verify_due()
    webhook = Webhook.objects.get(kind="message-status")
    assert (webhook.state, webhook.found_url) == (WebhookState.DIFFERS, FOREIGN_URL)
    assert zapi.instances[instance.zapi_id].urls["message-status"] == FOREIGN_URL


def test_who_cannot_be_reached_is_asked_later_and_later(instance, zapi):
    zapi.answer_name = "fault"
    waits = []
    for _ in range(3):
        make_due()
        verify_due()
        waits.append((fresh(instance).next_check_at - timezone.now()).total_seconds() / 60)
    assert 20 < waits[0] < 40 < waits[1] < 80 < waits[2] < 150
    assert Webhook.objects.get(kind="message-status").state == WebhookState.UNREACHABLE


def test_one_answer_ends_the_waiting(instance, zapi):
    zapi.answer_name = "fault"
    verify_due()
    zapi.answer_name = "ok"
    make_due()
    verify_due()
    assert fresh(instance).failed_checks == 0


def test_an_account_is_asked_for_no_more_than_its_budget_in_one_turn(account, zapi, monkeypatch):
    monkeypatch.setattr(module, "INSTANCES_PER_PERIOD", 3)
    several(account, 5)
    assert verify_due() == 3
    assert verify_due() == 0
    Account.objects.update(next_turn_at=timezone.now())
    assert verify_due() == 2


def test_a_partners_list_verifies_all_in_one_call(account, zapi):
    instances = several(account, 20)
    for one in instances:
        zapi.instances[one.zapi_id] = listed_in_full(one, connected=False)
    account.partner_token = "partner"
    account.save()
    assert verify_due() == 20
    assert [call.path.partition("?")[0] for call in zapi.calls] == ["/instances"]
    assert set(Instance.objects.values_list("connected", flat=True)) == {False}


def test_one_of_a_partners_list_that_fails_keeps_nobody_from_the_others(account, zapi, monkeypatch):
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


def test_what_a_partners_list_does_not_name_is_said(account, instance, zapi):
    account.partner_token = "partner"
    account.save()
    verify_due()
    assert Webhook.objects.get(kind="message-status").problem == Problem.NOT_LISTED


def test_a_list_of_two_pages_is_read_to_its_end(account, zapi):
    instances = several(account, 130)
    for one in instances:
        zapi.instances[one.zapi_id] = listed_in_full(one)
    account.partner_token = "partner"
    account.save()
    verify_due()
    assert Instance.objects.filter(checked_at=None).count() == 0
    assert len(zapi.calls) == 2


def listed_in_full(instance: Instance, **told: Any) -> SimulatedInstance:
    """A partner's list that tells of every URL, as it did before July."""
    return SimulatedInstance(instance.zapi_id, "t", listed_hooks=tuple(HOOKS), **told)


def listed(instance: Instance, zapi: Any, **told: Any) -> None:
    """A partner's list that tells of one URL only, as in Z-API's documentation of July."""
    url = webhook_url(instance)
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id,
        instance.token.reveal(),
        urls=dict.fromkeys(("message-status", "delivery"), url),
        listed_hooks=("received",),
        **told,
    )
    Account.objects.update(partner_token="partner")


def test_partner_list_without_our_urls_asks_the_instance_itself(instance, zapi):
    listed(instance, zapi)
    verify_due()
    assert instance.webhooks.get(kind="message-status").state == WebhookState.IN_SYNC
    assert [call.path.rpartition("/")[2] for call in zapi.calls][1:2] == ["me"]


def test_partner_list_without_any_url_keeps_what_was_found(instance, zapi):
    listed(instance, zapi)
    verify(instance)
    make_due()
    zapi.instances[instance.zapi_id].listed_hooks = ()
    Webhook.objects.update(wanted=True)
    verify_due()
    assert instance.webhooks.get(kind="message-status").found_url == webhook_url(instance)


@pytest.mark.parametrize("status", ["", None])
def test_empty_payment_status_keeps_what_me_said(instance, zapi, status):
    Instance.objects.update(payment_status="ACTIVE")
    listed(instance, zapi, payment_status=status)
    verify_due()
    assert fresh(instance).payment_status == "ACTIVE"


def test_a_partner_token_that_is_refused_leaves_each_to_be_asked(account, instance, zapi):
    account.partner_token = "a\nb"
    account.save()
    verify_due()
    assert fresh(instance).connected is True


def test_a_claimed_account_is_out_of_the_others_sight(instance):
    assert module._claim()
    assert module._claim() is None


def test_an_archived_instance_is_asked_no_more(instance, zapi):
    Instance.objects.update(archived_at=timezone.now())
    assert verify_due() == 0


@pytest.mark.parametrize("due", [1_893_456_000, 1_893_456_000_000, "1893456000000"])
def test_what_is_paid_for_is_learnt_in_either_unit(instance, zapi, due):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), due=due, payment_status="TRIAL"
    )
    verify_due()
    assert fresh(instance).due_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert fresh(instance).payment_status == "TRIAL"


@pytest.mark.parametrize("due", [None, "soon", 10**30, 0, 99_999_999_999])
def test_what_is_no_time_is_not_known(instance, zapi, due):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), due=due
    )
    verify_due()
    assert fresh(instance).due_at is None


def test_filters_that_are_not_told_are_not_known(instance, zapi):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), shows_filters=False
    )
    verify_due()
    assert fresh(instance).filters is None


def test_a_newer_callback_knows_better_than_the_answer(instance, zapi, post):
    later = datetime.now(UTC) + timedelta(minutes=5)
    post({"type": "DisconnectedCallback", "momment": int(later.timestamp()), "error": "gone"})
    verify_due()
    assert fresh(instance).connected is False
    assert fresh(instance).connection_reason == "gone"


def test_an_answer_knows_better_than_an_older_callback(instance, zapi, post):
    post({"type": "DisconnectedCallback", "momment": 1_580_163_342, "error": "gone"})
    verify_due()
    assert fresh(instance).connected is True


def test_an_answer_that_says_the_same_leaves_since_when_and_why(instance, zapi, post):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        instance.zapi_id, instance.token.reveal(), connected=False
    )
    post({"type": "DisconnectedCallback", "momment": 1_580_163_342, "error": "gone"})
    before = fresh(instance).connection_changed_at
    verify_due()
    after = fresh(instance)
    assert (after.connection_changed_at, after.connection_reason) == (before, "gone")


def test_why_it_is_disconnected_is_kept_until_it_is_connected(instance, zapi, post):
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


def test_a_secret_in_the_words_of_status_is_not_kept(instance, zapi):
    zapi.instances[instance.zapi_id] = SimulatedInstance(
        *(instance.zapi_id, instance.token.reveal()),
        connected=False,
        status_error="Client-Token the-client-token not allowed here\x00\ud800",
    )
    verify(instance)
    assert "the-client-token" not in fresh(instance).status_error


def test_a_callback_older_than_the_last_answer_changes_nothing(instance, zapi, post):
    post({"type": "ConnectedCallback", "momment": 1_580_163_342_000})
    verify_due()
    a_minute_ago = int(timezone.now().timestamp()) - 60
    post({"type": "DisconnectedCallback", "momment": a_minute_ago})
    assert fresh(instance).connected is True


def test_a_push_that_came_between_knows_better(instance, zapi, monkeypatch):
    def pushed_meanwhile(*arguments, **options):
        push_wanted(Instance.objects.get())
        zapi.instances[instance.zapi_id].urls["message-status"] = FOREIGN_URL
        return sync.save_observed(*arguments, **options)

    monkeypatch.setattr(module, "save_observed", pushed_meanwhile)
    verify_due()
    assert Webhook.objects.get(kind="message-status").state == WebhookState.IN_SYNC


def test_what_is_left_while_zapi_is_asked_stays_left(instance, zapi, monkeypatch):
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
