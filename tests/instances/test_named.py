"""Find an instance by its Z-API id or its primary key."""

import pytest

from messages.models import Instance


@pytest.fixture
def namesake(instance, account):
    """A second instance whose Z-API id equals the primary key of the first."""
    return Instance.objects.create(account=account, name="Vendas", zapi_id=str(instance.pk))


def test_instance_is_found_by_zapi_id_or_primary_key(instance):
    assert Instance.objects.named("instance.id") == instance
    assert Instance.objects.named(str(instance.pk)) == instance


def test_zapi_id_is_matched_before_the_primary_key(instance, namesake):
    assert Instance.objects.named(str(instance.pk)) == namesake


@pytest.mark.parametrize("text", ["", "x", "-1", "9" * 19, "9" * 18, "١", "²", "\x00"])
def test_unknown_name_finds_no_instance(instance, text):
    assert Instance.objects.named(text) is None
