import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.search.parser import Meaning, parse_search


@pytest.mark.parametrize(
    ("text", "meaning", "addresses", "part"),
    [
        ("+55 (44) 9 9999-9999", Meaning.NUMBER, ("5544999999999", "554499999999"), ""),
        ("44 9999-9999", Meaning.NUMBER, ("554499999999", "5544999999999"), ""),
        ("+44 7911 123456", Meaning.NUMBER, ("447911123456",), ""),
        ("+55 44", Meaning.BEGINNING, (), "5544"),
        ("9999-9999", Meaning.END, (), "99999999"),
        ("99999-9999", Meaning.END, (), "99999999"),
        ("*9999-9999*", Meaning.PART, (), "99999999"),
        ("4499", Meaning.PART, (), "4499"),
        ("3322-1100", Meaning.PART, (), "33221100"),
        ("999", Meaning.TOO_SHORT, (), ""),
        ("123456789012345@lid", Meaning.ADDRESS, ("123456789012345@lid",), ""),
        ("123456789012345", Meaning.ADDRESS, ("123456789012345@lid",), ""),
        # More digits than any address has.
        ("1234567890123456", Meaning.PART, (), "1234567890123456"),
        ("120363-group", Meaning.ADDRESS, ("120363-group",), ""),
        ("3EB0538DA65A", Meaning.TEXT, (), ""),
        ("  ", Meaning.NOTHING, (), ""),
    ],
)
def test_search_text_is_classified(text, meaning, addresses, part):
    found = parse_search(text)
    assert (found.meaning, found.addresses, found.part) == (meaning, addresses, part)


WRITINGS = (
    "0055 44 98877-6655",
    "015 44 98877-6655",
    "(0 15 44) 98877-6655",
    "0 44 98877-6655",
    "5544988776655@c.us",
    "5544988776655@s.whatsapp.net",
    "tel:+55-44-98877-6655",
    "whatsapp:+5544988776655",
    "https://wa.me/5544988776655",
    "wa.me/+5544988776655?text=Oi",
    "https://api.whatsapp.com/send?phone=5544988776655&text=Oi",
    "whatsapp://send?phone=5544988776655",
    "44 98877-6655;",
    "'5544988776655'",
    '"+55 44 98877-6655"',
    "“44 98877-6655”",
    "<5544988776655>",
    "４４ ９８８７７－６６５５",
)


@pytest.mark.parametrize("text", WRITINGS)
def test_number_in_any_pasted_form_is_recognized(text):
    found = parse_search(text)
    assert found.meaning is Meaning.NUMBER
    assert found.addresses == ("5544988776655", "554488776655")


@pytest.mark.parametrize(
    "text",
    [
        "120363019502650977-group",
        "120363019502650977@g.us",
        "120363019502650977",
        '"120363019502650977@g.us";',
    ],
)
def test_group_in_any_form_is_recognized(text):
    found = parse_search(text)
    assert found.meaning is Meaning.ADDRESS
    assert found.addresses[0] == "120363019502650977-group"


def test_old_style_group_address_is_kept():
    found = parse_search("5511999999999-1623281429@g.us")
    assert found.addresses[0] == "5511999999999-1623281429"


@pytest.mark.parametrize("text", ["012345678901234", "1234 5678 9012 345", "+123456789012345"])
def test_formatted_digits_without_lid_suffix_are_not_a_lid(text):
    assert parse_search(text).meaning is not Meaning.ADDRESS


def test_quotes_and_semicolon_are_removed_from_an_id():
    assert "3EB0538DA65A" in parse_search('"3eb0538da65a";').ids


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "44 99999-9999",
            "Showing +55 44 99999-9999, with and without the 9 (+55 44 9999-9999).",
        ),
        (
            "44 9999-9999",
            "Showing +55 44 9999-9999, with and without the 9 (+55 44 99999-9999).",
        ),
        ("+44 7911 123456", "Showing +44 7911 123456."),
        ("*9999*", "Numbers containing 9999."),
        (
            "84213",
            "Numbers containing 84213. Includes matching ids, references and labels.",
        ),
        (
            "333000000000001",
            "Showing LID 333000000000001@lid. Includes matching ids, references and labels.",
        ),
        ("+5544", "Numbers starting with +5544."),
        (
            "99999-9999",
            "Numbers ending in 9999-9999, with or without the 9.",
        ),
        ("1@lid", "Showing LID 1@lid."),
        ("1-group", "Showing group 1-group."),
        ("status@broadcast", "Showing our own status."),
        ("3eb0", "Ids, references and labels matching 3eb0."),
        ("maria 99999", "Ids, references and labels with all of these words: maria · 99999."),
        (
            'messageId: "3EB0C767D097E2E3A2F1"',
            "Showing message id 3EB0C767D097E2E3A2F1.",
        ),
        ("12", "Too short: enter at least 4 digits of a number, or a full message id."),
        ("", ""),
    ],
)
def test_search_describes_how_it_was_understood(text, sentence):
    assert parse_search(text).description == sentence


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("pedido 1042", "*1042*"),
        ("maria 99999", "*99999*"),
        ("pedido 12", ""),
        ("pedido 1042 de 2025", ""),
        ("pedido AB-1042", ""),
        ("Cel: 44 98877-6655", ""),
        ("mensagem 3EB0C767D097E2E3A2F1 1042", ""),
    ],
)
def test_single_digits_among_words_may_also_be_part_of_a_number(text, digits):
    found = parse_search(text)
    assert (found.meaning, found.anywhere_text) == (Meaning.TEXT, digits)
    assert not found.is_for_person


def test_id_is_also_searched_in_upper_case():
    assert parse_search("3eb0").ids == ("3eb0", "3EB0")


ID = "3EB0C767D097E2E3A2F1"
PASTED = (
    f"['{ID}']",
    f'"{ID}"',
    f"“{ID}”",
    f"‘{ID}’,",
    f"({ID})",
    f"{ID}\u200b",
    f"true_5544999999999@c.us_{ID}",
    f"false_120363019502650977@g.us_{ID}_5544999999999@c.us",
    f"false_120363019502650977@g.us_{ID}_200000000000001@lid",
    f"id: {ID}",
    f"ID={ID}",
    f"message_id: '{ID}'",
    f'"messageId": "{ID}",',
    f"“messageId”: “{ID}”",
    f'{{"zaapId":"39999842637380","messageId":"{ID}","id":"{ID}"}}',
    f'{{\\"messageId\\":\\"{ID}\\"}}',
    f'{{"instanceId":"{"3C0D" * 8}","ids":["{ID}"],"phone":"5544999999999"}}',
    f"https://crm.example.com/messages?message_id={ID}&tab=1",
    f"mensagem {ID.lower()} não chegou",
)


@pytest.mark.parametrize("text", PASTED)
def test_id_in_any_pasted_form_is_recognized(text):
    found = parse_search(text)
    assert ID in found.ids
    assert not found.is_for_person


def test_every_id_of_a_pasted_list_is_recognized():
    found = parse_search("ids=['3EB0C767D097E2E3A2F1', '3EB0C767D097E2E3A2F2']")
    assert {"3EB0C767D097E2E3A2F1", "3EB0C767D097E2E3A2F2"} <= set(found.ids)


@pytest.mark.parametrize("text", ["['5544988776655']", '{"5544988776655"}', "„44 98877-6655“"])
def test_number_in_brackets_or_quotes_is_recognized(text):
    assert parse_search(text).meaning is Meaning.NUMBER


def test_instance_id_is_not_treated_as_a_message_id():
    assert "3C0D" * 8 not in parse_search(f'"instanceId": "{"3C0D" * 8}", "id": "{ID}"').ids


@pytest.mark.parametrize(
    "text", ["3EB0C767", "3eb0c767…", "3EB0C767...", "'3EB0C767", "id: 3EB0C767"]
)
def test_incomplete_id_is_searched_as_a_prefix(text):
    assert "3EB0C767" in parse_search(text).id_prefixes


@pytest.mark.parametrize("text", ["3EB0C76", "5544999999999", "Pedido 1042 saiu"])
def test_other_text_is_not_searched_as_an_id_prefix(text):
    assert parse_search(text).id_prefixes == ()


@given(st.text())
def test_parsing_of_any_text_gives_a_description(text):
    found = parse_search(text)
    assert found.description or not found
    assert "\0" not in found.text
