"""The addresses that the worker saves for searches by part of a number."""

from django.core.management import call_command

from messages.identities import link_identities
from messages.ingest.callback_batch import CallbackBatch
from messages.jobs.follow_ups import follow_up
from messages.models import FollowUp, KnownAddress

NUMBER = "5544999999999"


def known():
    return sorted(KnownAddress.objects.values_list("address", flat=True))


def test_address_with_many_messages_is_saved_once(report):
    report("SENT", "READ", id="A")
    report("SENT", id="B")
    report("SENT", id="C", phone="5511987654321")
    follow_up()
    assert known() == ["5511987654321", NUMBER]


def test_known_address_writes_nothing(report, django_assert_num_queries):
    report("SENT")
    follow_up()
    report("READ")
    heard = CallbackBatch(list(FollowUp.objects.all()))
    # Queries: bodies, known addresses, messages with several addresses.
    with django_assert_num_queries(3):
        link_identities(heard)
    assert known() == [NUMBER]


def test_callback_without_address_saves_none(report):
    report("SENT", phone="")
    follow_up()
    assert known() == []


def test_quarantined_callback_saves_no_address(post):
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


def test_link_command_saves_addresses_of_stored_messages(report):
    report("SENT")
    call_command("link_identities")
    assert known() == [NUMBER]
