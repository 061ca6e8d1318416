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


def test_instance_is_stored_with_its_secrets():
    instance = Instance.objects.get(pk=add(client_token="C").pk)
    assert instance.token.reveal() == "token-A"
    assert instance.account.client_token.reveal() == "C"


def test_secrets_are_stored_encrypted():
    add(client_token="the-client-token")
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM whatsapp_instance")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT client_token FROM whatsapp_account")
        stored += str(cursor.fetchall())
    assert "token-A" not in stored
    assert "the-client-token" not in stored


def test_instances_with_the_same_client_token_share_an_account():
    assert add("A", "C").account == add("B", "C").account


def test_instances_without_a_client_token_have_separate_accounts():
    assert add("A").account != add("B").account
    assert str(add("D").account) == "Loja D"


def test_existing_instance_id_is_refused_and_adds_no_account():
    add("A")
    with pytest.raises(AlreadyConnectedError, match="id A already"):
        add("A")
    assert Account.objects.count() == 1


def test_too_long_instance_id_is_refused_on_every_database():
    with pytest.raises(ValidationError):
        add("A" * 129)


def test_blank_secret_keeps_the_stored_one():
    instance = add("A", "C")
    update(instance, name="New")
    instance = Instance.objects.get(pk=instance.pk)
    assert instance.name == "New"
    assert instance.token.reveal() == "token-A"
    assert instance.account.client_token.reveal() == "C"


def test_new_secret_replaces_the_stored_one():
    instance = update(add("A", "C"), name="A", token="new", client_token="D")
    instance = Instance.objects.get(pk=instance.pk)
    assert instance.token.reveal() == "new"
    assert instance.account.client_token.reveal() == "D"


def test_new_client_token_applies_to_every_instance_of_the_account():
    instance, other = add("A", "C"), add("B", "C")
    assert list(sharing_client_token(instance)) == [other]
    update(instance, name="A", client_token="D")
    other = Instance.objects.get(pk=other.pk)
    assert other.account.client_token.reveal() == "D"


def test_client_token_of_another_account_moves_the_instance_there():
    alone, other = add("A"), add("B", "C")
    update(alone, name="A", client_token="C")
    assert Instance.objects.get(pk=alone.pk).account == other.account
    assert Account.objects.count() == 1


def test_account_with_an_undecryptable_token_does_not_block_adding(settings):
    add("A", "C")
    settings.FIELD_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    assert add("B", "C").account.instances.count() == 1
