import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.domain import addresses
from messages.domain.addresses import AddressKind


@pytest.mark.parametrize(
    "text",
    ["+55 (44) 9 9999-9999", "+5544999999999", "55 44 99999.9999", "55\u00a044 99999\u20119999"],
)
def test_number_in_any_format_has_the_same_digits(text):
    assert addresses.digits_of(text) == "5544999999999"


@pytest.mark.parametrize("text", ["", "3EB0538DA65A59F6D8A251", "123@lid", "12x", "٤٤٩٩"])
def test_text_that_is_not_a_number_has_no_digits(text):
    assert addresses.digits_of(text) == ""


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("5544999999999", AddressKind.PHONE),
        ("5544999999999@c.us", AddressKind.PHONE),
        ("120363019502650977-group", AddressKind.GROUP),
        ("5511999999999-1623281429", AddressKind.GROUP),
        ("120363019502650977@g.us", AddressKind.GROUP),
        ("123456789012345@lid", AddressKind.LID),
        ("123456789012345", AddressKind.LID),
        ("12345678901234", AddressKind.PHONE),
        ("200000000000011:11@lid", AddressKind.LID),
        ("5544999990001:12@s.whatsapp.net", AddressKind.PHONE),
        ("012345678901234", AddressKind.PHONE),
        ("1234567890123456", AddressKind.PHONE),
        ("120363019502650977", AddressKind.GROUP),
        ("status@broadcast", AddressKind.STATUS),
        ("1774895799-broadcast", AddressKind.LIST),
        ("1774895799@broadcast", AddressKind.LIST),
        ("120363019502650977@newsletter", AddressKind.CHANNEL),
        ("", AddressKind.OTHER),
        ("0@something", AddressKind.OTHER),
    ],
)
def test_address_kind_is_recognized(address, kind):
    assert addresses.kind_of(address) is kind


@pytest.mark.parametrize(
    ("number", "forms"),
    [
        ("5544999999999", ("5544999999999", "554499999999")),
        ("554499999999", ("554499999999", "5544999999999")),
        # If 2 to 5 follows, removing the 9 would give a different person's landline number.
        ("5511923456789", ("5511923456789",)),
        ("551123456789", ("551123456789",)),
        ("447911123456", ("447911123456",)),
    ],
)
def test_brazilian_mobile_number_has_two_forms(number, forms):
    assert addresses.ninth_digit_forms(number) == forms


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("5544999999999", "554499999999", True),
        ("123456789012345", "123456789012345@lid", True),
        ("5544999990001:12@s.whatsapp.net", "554499990001", True),
        ("5544999990001.0:12@s.whatsapp.net", "5544999990001@c.us", True),
        ("5544999990001:3@hosted", "5544999990001", True),
        ("200000000000011:11@lid", "200000000000011", True),
        ("20000:11@lid", "20000@lid", True),
        ("200000000000011:11@lid", "200000000000012:11@lid", False),
        ("5544999999999", "5544999999998", False),
        ("5511923456789", "551123456789", False),
        ("5544999999999", "5544999999999@lid", False),
    ],
)
def test_numbers_that_differ_by_the_ninth_digit_are_the_same_person(one, other, same):
    assert addresses.same_person(one, other) is same
    assert addresses.same_person(other, one) is same


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("5544999999999", "+55 44 99999-9999"),
        ("554499999999", "+55 44 9999-9999"),
        ("551133334444", "+55 11 3333-4444"),
        ("447911123456", "+44 7911 123456"),
        ("123456789012345@lid", "123456789012345@lid"),
        ("123456789012345", "123456789012345"),
        ("120363019502650977-group", "120363019502650977-group"),
        ("99999", "99999"),
    ],
)
def test_address_is_displayed_as_people_write_it(address, shown):
    assert addresses.display(address) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("5544999999999", "+55 44 99999-9999"),
        ("5215512345678", "+52 15512345678"),
        ("999", "999"),
        ("1@lid", "1@lid"),
    ],
)
def test_number_outside_every_numbering_plan_is_displayed_with_country_code(number, shown):
    assert addresses.format_international(number) == shown


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("+55 44 99999-9999", ("5544999999999",)),
        ("44 99999-9999", ("5544999999999",)),
        ("(044) 9999-9999", ("554499999999",)),
        ("+44 7911 123456", ("447911123456",)),
        ("9999-9999", ()),
        ("abc", ()),
    ],
)
def test_full_numbers_are_recognized_in_typed_text(text, numbers):
    assert addresses.full_numbers(text) == numbers


@pytest.mark.parametrize(
    ("address", "writings"),
    [
        ("1774895799-broadcast", {"1774895799-broadcast", "1774895799@broadcast"}),
        ("1774895799@broadcast", {"1774895799-broadcast", "1774895799@broadcast"}),
        ("status@broadcast", {"status@broadcast"}),
        ("120363019502650977@newsletter", {"120363019502650977@newsletter"}),
        ("5511999999999-1623281429", {"5511999999999-1623281429"}),
        ("5544999990001", {"5544999990001", "554499990001"}),
    ],
)
def test_address_has_all_its_stored_forms(address, writings):
    assert set(addresses.stored_forms(address)) == writings


@given(st.from_regex(r"[1-9][0-9]{4,19}@lid", fullmatch=True))
def test_lid_is_never_displayed_as_a_phone_number(lid):
    assert addresses.display(lid) == lid
    assert addresses.person_key(lid) == lid


@given(st.text())
def test_address_functions_accept_any_text(text):
    addresses.display(text)
    addresses.full_numbers(text)
    assert addresses.same_person(text, text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Phone number 5544987654321 does not exist", "Phone number •••• 21 does not exist"),
        ("call +55 (44) 9 8765-4321, or 4433-2211", "call •••• 21, or •••• 11"),
        ("tel5544987654321", "tel•••• 21"),
        ("123456789012345@lid", "•••• 45@lid"),
        ("5544\u20119876\u00a05432\u200b1", "•••• 21"),
    ],
)
def test_number_in_a_text_is_masked(text, shown):
    assert addresses.mask_numbers(text) == shown
    assert addresses.contains_number(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("55/44/98765/4321", "•••• 21"),
        ("55 code 44 then 98765 and 4321", "•••• code •••• then •••• and ••••"),
        ("Shop 12, 3 of 40, code 1234567", "Shop •••• of ••••, code ••••"),
        ("５５４４９８７６５４３２１", "•••• ２１"),
        ("at 2026-07-14T10:00:00Z", "at 2026-07-14T10:00:00Z"),
        ("5544987654321 since 2026-07-14", "•••• 21 since 2026-07-14"),
        ("2026-07-14-5544987654321", "•••• 21"),
        ("3C0123456789012345678901234567AB", "••••C•••• 67AB"),
    ],
)
def test_digits_that_may_be_a_number_are_masked(text, shown):
    assert addresses.mask_numbers(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "3EB0538DA65A59F6D8A251",
        "3C67AB641C8AA0412F6A242B4E0AE7CF",
        "14/07/2026, R$ 1.200,00, order 1234567",
        "550e8400-e29b-41d4-a716-446655440000",
        "since 2026-07-14 to 2026-07-15",
        "Shop 12, 3 of 40",
        "code 1234567",
        "",
    ],
)
def test_id_or_date_is_not_masked(text):
    assert addresses.mask_numbers(text) == text
    assert not addresses.contains_number(text)
