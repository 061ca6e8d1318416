import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from messages.instances.connect import AlreadyConnectedError, connect, sharing_client_token, update
from messages.models import Account, Instance

pytestmark = pytest.mark.django_db


def add(zapi_id: str = "A", client_token: str = "") -> Instance:
    return connect(
        name=f"Loja {zapi_id}", zapi_id=zapi_id, token=f"token-{zapi_id}", client_token=client_token
    )


def test_an_instance_is_stored_with_its_secrets():
    instance = Instance.objects.get(pk=add(client_token="C").pk)
    assert instance.token.reveal() == "token-A"
    assert instance.account.client_token.reveal() == "C"


def test_no_secret_is_stored_in_clear():
    add(client_token="the-client-token")
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM whatsapp_instance")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT client_token FROM whatsapp_account")
        stored += str(cursor.fetchall())
    assert "token-A" not in stored
    assert "the-client-token" not in stored


def test_the_same_client_token_is_the_same_account():
    assert add("A", "C").account == add("B", "C").account


def test_without_a_client_token_each_has_its_own_account():
    assert add("A").account != add("B").account
    assert str(add("D").account) == "Loja D"


def test_the_same_instance_id_twice_is_refused_and_leaves_nothing():
    add("A")
    with pytest.raises(AlreadyConnectedError, match="id A already"):
        add("A")
    assert Account.objects.count() == 1


def test_what_a_column_cannot_hold_is_refused_on_every_database():
    with pytest.raises(ValidationError):
        add("A" * 129)


def test_a_blank_secret_keeps_the_one_stored():
    instance = add("A", "C")
    update(instance, name="New")
    instance = Instance.objects.get(pk=instance.pk)
    assert instance.name == "New"
    assert instance.token.reveal() == "token-A"
    assert instance.account.client_token.reveal() == "C"


def test_a_secret_given_replaces_the_one_stored():
    instance = update(add("A", "C"), name="A", token="new", client_token="D")
    instance = Instance.objects.get(pk=instance.pk)
    assert instance.token.reveal() == "new"
    assert instance.account.client_token.reveal() == "D"


def test_a_client_token_is_replaced_for_all_who_share_it():
    instance, other = add("A", "C"), add("B", "C")
    assert list(sharing_client_token(instance)) == [other]
    update(instance, name="A", client_token="D")
    other = Instance.objects.get(pk=other.pk)
    assert other.account.client_token.reveal() == "D"


def test_a_client_token_known_from_another_account_joins_it():
    alone, other = add("A"), add("B", "C")
    update(alone, name="A", client_token="C")
    assert Instance.objects.get(pk=alone.pk).account == other.account
    assert Account.objects.count() == 1


def test_an_account_whose_secret_cannot_be_read_stops_nobody(settings):
    add("A", "C")
    settings.FIELD_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    assert add("B", "C").account.instances.count() == 1
