"""Which person a text identifies."""

import pytest

from messages.models import Alias
from messages.privacy import UnclearPersonError, find_person

NUMBER = "5544999999999"


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        "554499999999",
        "+55 44 99999-9999",
        " +55 (44) 9999-9999 ",
        "0055 44 99999-9999",
        "015 44 99999-9999",
        f"https://wa.me/{NUMBER}",
    ],
)
def test_both_forms_of_a_number_are_one_person(db, text):
    person = find_person(text)
    assert person.names == (NUMBER,)
    assert {NUMBER, "554499999999"} <= person.addresses


@pytest.mark.parametrize("text", ["123456789012345@lid", "123456789012345"])
def test_lid_is_found_with_and_without_suffix(db, text):
    person = find_person(text)
    assert person.names == ("123456789012345@lid",)
    assert person.addresses == {"123456789012345", "123456789012345@lid"}


@pytest.mark.parametrize("text", [NUMBER, "123456789012345@lid"])
def test_linked_numbers_and_lids_are_included(instance, text):
    Alias.objects.create(instance=instance, lid="123456789012345@lid", number=NUMBER)
    assert set(find_person(text).names) == {NUMBER, "123456789012345@lid"}


@pytest.mark.parametrize("text", ["", "9999", "hello", "120363000000000000-group", "55449"])
def test_invalid_text_is_refused(db, text):
    with pytest.raises(UnclearPersonError, match="country code"):
        find_person(text)


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        (b'{"phone":"5544999999999"}', True),
        (b'{"phone":"554499999999@c.us"}', True),
        (b'{"momment":15544999999999}', False),
        (b'{"phone":"55449999999990"}', False),
        (b'{"phone":"5544999999999-1623281429"}', False),
    ],
)
def test_digits_within_a_longer_number_do_not_match(db, text, is_named):
    assert find_person(NUMBER).is_named_in(text) is is_named


def test_number_of_14_digits_is_accepted(instance):
    assert find_person("12345678901234").names == ("12345678901234",)
