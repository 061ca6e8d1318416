import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.accounts.encrypted_addresses import decrypt_address, encrypt_address

NUMBER = "5544999999999"


def test_encrypted_address_can_be_decrypted():
    assert decrypt_address(encrypt_address(NUMBER)) == NUMBER


def test_both_forms_of_a_number_give_the_same_ciphertext():
    assert encrypt_address(NUMBER) == encrypt_address("554499999999")


def test_encrypted_address_contains_no_digits_of_the_number():
    assert "9999" not in encrypt_address(NUMBER)


@pytest.mark.parametrize(
    "text", ["", "x", NUMBER, encrypt_address(NUMBER)[:-1], "é", encrypt_address(NUMBER) + "A"]
)
def test_invalid_ciphertext_is_decrypted_to_none(text):
    assert decrypt_address(text) is None


def test_address_encrypted_with_another_key_is_decrypted_to_none(settings):
    sealed = encrypt_address(NUMBER)
    settings.SECRET_KEY = "another"
    assert decrypt_address(sealed) is None


@given(st.text())
def test_decryption_of_any_text_raises_no_error(text):
    assert decrypt_address(text) is None
