"""Links between numbers and LIDs from status callbacks."""

import pytest
from django.core.management import call_command

from messages.jobs.follow_ups import follow_up
from messages.models import Alias, Message, OtherAddress

NUMBER, LID = "5544999999999", "123456789012345@lid"


def aliases():
    return sorted(Alias.objects.values_list("lid", "number"))


def test_number_and_lid_of_one_message_are_linked(deliver, report):
    deliver()
    report("READ", phone=LID)
    follow_up()
    assert aliases() == [(LID, NUMBER)]


def test_repeated_pair_is_saved_once(deliver, report):
    for name in ("A", "B"):
        deliver(name)
        report("RECEIVED", "READ", id=name, phone=LID)
        follow_up()
    assert aliases() == [(LID, NUMBER)]


def test_number_with_and_without_9_is_one_address(deliver, report):
    deliver("A", phone="554499999999")
    deliver("B")
    for name in ("A", "B"):
        report("READ", id=name, phone=LID)
    follow_up()
    assert aliases() == [(LID, NUMBER)]


def test_two_numbers_of_one_message_are_not_linked(report):
    report("RECEIVED")
    report("RECEIVED", phone="5511987654321")
    follow_up()
    assert aliases() == []
    assert Message.objects.get().phone == "5511987654321"
    assert OtherAddress.objects.get().phone == NUMBER


def test_lid_with_two_numbers_is_not_linked(deliver, report):
    deliver()
    report("RECEIVED", phone="5511987654321")
    report("READ", phone=LID)
    follow_up()
    assert aliases() == []
    assert set(OtherAddress.objects.values_list("phone", flat=True)) == {LID, NUMBER}


def test_group_message_links_nobody(report):
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("RECEIVED", participant="5511987654321", **group)
    report("READ", participant="123456789012345", **group)
    follow_up()
    assert aliases() == []


def test_linking_does_not_change_messages(deliver, report):
    deliver()
    message = report("READ", phone=LID)
    follow_up()
    assert Message.objects.get().phone == message.phone == NUMBER


@pytest.mark.parametrize("times", [1, 2])
def test_link_command_links_stored_messages(deliver, report, times, capsys):
    deliver()
    report("READ", phone=LID)
    for _ in range(times):
        call_command("link_identities")
    assert aliases() == [(LID, NUMBER)]
    assert "1 messages checked, 1 links known." in capsys.readouterr().out
