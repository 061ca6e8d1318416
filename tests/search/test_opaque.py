import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.search.signed_urls import seal, unseal

NUMBER = "5544999999999"


def test_what_is_sealed_opens_again():
    assert unseal(seal(NUMBER)) == NUMBER


def test_both_forms_of_a_number_are_one_text():
    assert seal(NUMBER) == seal("554499999999")


def test_it_shows_nothing_of_the_number():
    assert "9999" not in seal(NUMBER)


@pytest.mark.parametrize("text", ["", "x", NUMBER, seal(NUMBER)[:-1], "é", seal(NUMBER) + "A"])
def test_what_nobody_sealed_opens_nothing(text):
    assert unseal(text) is None


def test_another_secret_opens_nothing(settings):
    sealed = seal(NUMBER)
    settings.SECRET_KEY = "another"
    assert unseal(sealed) is None


@given(st.text())
def test_any_text_is_answered(text):
    assert unseal(text) is None
