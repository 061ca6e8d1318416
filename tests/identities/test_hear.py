"""The addresses that the worker keeps for the search by a part."""

from django.core.management import call_command

from messages.identities import hear
from messages.ingest.callback_batch import CallbackBatch
from messages.jobs.follow_ups import follow_up
from messages.models import FollowUp, KnownAddress

NUMBER = "5544999999999"


def known():
    return sorted(KnownAddress.objects.values_list("address", flat=True))


def test_an_address_is_known_once_however_many_messages_it_has(report):
    report("SENT", "READ", id="A")
    report("SENT", id="B")
    report("SENT", id="C", phone="5511987654321")
    follow_up()
    assert known() == ["5511987654321", NUMBER]


def test_an_address_that_is_known_costs_no_write(report, django_assert_num_queries):
    report("SENT")
    follow_up()
    report("READ")
    heard = CallbackBatch(list(FollowUp.objects.all()))
    # The bodies, the addresses that are known, the messages with more than one.
    with django_assert_num_queries(3):
        hear(heard)
    assert known() == [NUMBER]


def test_a_callback_without_an_address_makes_none_known(report):
    report("SENT", phone="")
    follow_up()
    assert known() == []


def test_what_is_in_quarantine_makes_none_known(post):
    post(
        {
            "type": "MessageStatusCallback",
            "status": "SENT",
            "ids": ["A"],
            "phone": NUMBER,
            "instanceId": "another",
        }
    )
    follow_up()
    assert known() == []


def test_the_command_takes_in_what_is_stored_already(report):
    report("SENT")
    call_command("tie_addresses")
    assert known() == [NUMBER]
