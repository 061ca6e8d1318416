"""A message's label, wherever it is shown."""

import pytest
from django.utils import timezone

from messages.labels import labels_of
from messages.models import Instance, Label


@pytest.fixture
def put(instance):
    def put_one(zapi_id, words, of=instance):
        return Label.objects.create(
            instance=of, zapi_id=zapi_id, label=words, updated_at=timezone.now()
        )

    return put_one


def shown(message):
    return [label.label for label in labels_of([message]).values()]


@pytest.mark.parametrize("name", ["3EB0A1", "Z3EB0A1"])
def test_label_is_found_by_either_id_of_the_message(deliver, put, name):
    put(name, "L")
    assert shown(deliver()) == ["L"]


def test_label_of_the_message_id_is_preferred(deliver, put):
    put("Z3EB0A1", "by zaapId")
    put("3EB0A1", "by messageId")
    assert shown(deliver()) == ["by messageId"]


def test_label_ids_are_case_sensitive(deliver, put):
    put("3eb0a1", "L")
    assert shown(deliver()) == []


def test_message_without_a_zaap_id_does_not_match_an_empty_id(deliver, put):
    put("", "L")
    assert shown(deliver(zaapId="")) == []


def test_label_of_another_instance_is_not_used(deliver, put, account):
    put("3EB0A1", "L", of=Instance.objects.create(account=account, name="V", zapi_id="V"))
    assert shown(deliver()) == []


def test_labels_of_many_messages_need_one_query(deliver, put, django_assert_num_queries):
    put("ZA", "L")
    messages = [deliver(id=name) for name in "ABC"]
    with django_assert_num_queries(1):
        assert len(labels_of(messages)) == 1
