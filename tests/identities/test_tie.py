"""What ties a LID to a number, heard by the worker from real callbacks."""

import pytest
from django.core.management import call_command

from messages.jobs.follow_ups import follow_up
from messages.models import Alias, Message, OtherAddress

NUMBER, LID = "5544999999999", "123456789012345@lid"


def aliases():
    return sorted(Alias.objects.values_list("lid", "number"))


def test_a_number_asked_for_and_a_lid_that_answered_are_one_person(deliver, report):
    deliver()
    report("READ", phone=LID)
    follow_up()
    assert aliases() == [(LID, NUMBER)]


def test_it_is_one_alias_however_often_it_is_seen(deliver, report):
    for name in ("A", "B"):
        deliver(name)
        report("RECEIVED", "READ", id=name, phone=LID)
        follow_up()
    assert aliases() == [(LID, NUMBER)]


def test_both_forms_of_a_number_are_one(deliver, report):
    deliver("A", phone="554499999999")
    deliver("B")
    for name in ("A", "B"):
        report("READ", id=name, phone=LID)
    follow_up()
    assert aliases() == [(LID, NUMBER)]


def test_two_numbers_of_one_message_are_two_people(report):
    report("RECEIVED")
    report("RECEIVED", phone="5511987654321")
    follow_up()
    assert aliases() == []
    assert Message.objects.get().phone == "5511987654321"
    assert OtherAddress.objects.get().phone == NUMBER


def test_a_lid_beside_two_numbers_may_be_anybodys(deliver, report):
    deliver()
    report("RECEIVED", phone="5511987654321")
    report("READ", phone=LID)
    follow_up()
    assert aliases() == []
    assert set(OtherAddress.objects.values_list("phone", flat=True)) == {LID, NUMBER}


def test_a_group_ties_nobody(report):
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("RECEIVED", participant="5511987654321", **group)
    report("READ", participant="123456789012345", **group)
    follow_up()
    assert aliases() == []


def test_messages_are_never_rewritten(deliver, report):
    deliver()
    message = report("READ", phone=LID)
    follow_up()
    assert Message.objects.get().phone == message.phone == NUMBER


@pytest.mark.parametrize("times", [1, 2])
def test_the_command_ties_what_is_stored_already(deliver, report, times, capsys):
    deliver()
    report("READ", phone=LID)
    for _ in range(times):
        call_command("tie_addresses")
    assert aliases() == [(LID, NUMBER)]
    assert "1 messages checked, 1 links known." in capsys.readouterr().out
