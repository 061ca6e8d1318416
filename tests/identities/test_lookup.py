"""Look up a number with GET /phone-exists at the simulated Z-API."""

import logging

import pytest

from messages.identities import look_up
from messages.models import Alias
from messages.zapi.client import ZapiError


def test_lookup_returns_whatsapp_form_and_saves_lid(zapi, instance):
    found = look_up(instance, "5544999991234")
    assert (found.is_on_whatsapp, found.number) == (True, "554499991234")
    alias = Alias.objects.get()
    assert (alias.lid, alias.number) == (found.lid, "5544999991234")
    assert alias.lid.endswith("@lid")


def test_repeated_lookup_saves_one_link(zapi, instance):
    look_up(instance, "5544999991234")
    look_up(instance, "554499991234")
    assert Alias.objects.values("number").distinct().count() == 1


def test_lookup_links_both_forms_of_number(zapi, instance):
    found = look_up(instance, "525512345678")
    assert found.number == "5215512345678"
    assert set(Alias.objects.values_list("lid", "number")) == {
        (found.lid, "525512345678"),
        (found.lid, "5215512345678"),
    }


def test_lookup_of_number_not_on_whatsapp_saves_nothing(zapi, instance):
    assert not look_up(instance, "5544999990000").is_on_whatsapp
    assert not Alias.objects.exists()


@pytest.mark.parametrize("answer", ["unauthorized", "undocumented", "not-an-object", "hang-up"])
def test_refused_lookup_raises_error_without_number(zapi, instance, caplog, answer):
    zapi.answer_name = answer
    with caplog.at_level(logging.WARNING), pytest.raises(ZapiError):
        look_up(instance, "5544999991234")
    assert "99991234" not in caplog.text
