import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.search.encrypted_addresses import decrypt_address, encrypt_address

NUMBER = "5544999999999"


def test_what_is_sealed_opens_again():
    assert decrypt_address(encrypt_address(NUMBER)) == NUMBER


def test_both_forms_of_a_number_are_one_text():
    assert encrypt_address(NUMBER) == encrypt_address("554499999999")


def test_it_shows_nothing_of_the_number():
    assert "9999" not in encrypt_address(NUMBER)


@pytest.mark.parametrize(
    "text", ["", "x", NUMBER, encrypt_address(NUMBER)[:-1], "é", encrypt_address(NUMBER) + "A"]
)
def test_what_nobody_sealed_opens_nothing(text):
    assert decrypt_address(text) is None


def test_another_secret_opens_nothing(settings):
    sealed = encrypt_address(NUMBER)
    settings.SECRET_KEY = "another"
    assert decrypt_address(sealed) is None


@given(st.text())
def test_any_text_is_answered(text):
    assert decrypt_address(text) is None
