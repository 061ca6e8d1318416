import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.finding.search import Meaning, understand


@pytest.mark.parametrize(
    ("text", "meaning", "addresses", "parts"),
    [
        ("+55 (44) 9 9999-9999", Meaning.NUMBER, ("5544999999999", "554499999999"), ()),
        ("44 9999-9999", Meaning.NUMBER, ("554499999999", "5544999999999"), ()),
        ("+44 7911 123456", Meaning.NUMBER, ("447911123456",), ()),
        ("9999-9999", Meaning.PART, (), ("99999999",)),
        ("99999-9999", Meaning.PART, (), ("999999999", "99999999")),
        ("999", Meaning.TOO_SHORT, (), ()),
        ("123456789012345@lid", Meaning.ADDRESS, ("123456789012345@lid",), ()),
        ("120363-group", Meaning.ADDRESS, ("120363-group",), ()),
        ("3EB0538DA65A", Meaning.ID, (), ()),
        ("  ", Meaning.NOTHING, (), ()),
    ],
)
def test_what_a_text_means(text, meaning, addresses, parts):
    found = understand(text)
    assert (found.meaning, found.addresses, found.parts) == (meaning, addresses, parts)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "44 99999-9999",
            "Understood as +55 44 99999-9999; also searched without the 9: +55 44 9999-9999.",
        ),
        (
            "44 9999-9999",
            "Understood as +55 44 9999-9999; also searched with the 9: +55 44 99999-9999.",
        ),
        ("+44 7911 123456", "Understood as +44 7911 123456."),
        ("9999", "Understood as part of a number: 9999."),
        ("99999-9999", "Understood as part of a number: 999999999; also searched without the 9."),
        ("1@lid", "Understood as the LID 1@lid."),
        ("1-group", "Understood as the group 1-group."),
        ("status@broadcast", "Understood as the broadcast list status@broadcast."),
        ("3eb0", "Understood as the message id 3eb0."),
        ("12", "Too short: type at least 4 digits of a number, or a whole message id."),
        ("", ""),
    ],
)
def test_it_says_what_it_understood(text, sentence):
    assert understand(text).understood == sentence


def test_an_id_is_tried_in_upper_case_too():
    assert understand("3eb0").ids == ("3eb0", "3EB0")


@given(st.text())
def test_any_text_is_understood_somehow(text):
    found = understand(text)
    assert found.understood or not found
    assert "\0" not in found.text
