"""Searches and views use an index, independent of table statistics."""

import re
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.db.models import Count
from django.http import QueryDict
from django.utils import timezone

from messages.domain.failures import UNKNOWN
from messages.domain.message_kinds import COUNTED
from messages.incidents.stuck_messages import stuck
from messages.models import Alias, KnownAddress, Message
from messages.models.message import FAILED, UNKNOWN_FAILURE
from messages.search.criteria import Criteria
from messages.search.matches import find_matches, ids_with_prefix, part_filter
from messages.search.parser import Meaning
from messages.search.querysets import message_set

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL decides by the numbers of real rows"
)


def indexes(messages):
    return set(re.findall(r"USING (?:COVERING )?INDEX (\w+)", messages.explain()))


@pytest.mark.parametrize("text", ["5544999999999", "+55449999", "3EB0C767D097E2E3A2F1"])
def test_search_uses_the_indexes_of_both_ids_and_the_number(support, text):
    criteria = Criteria.read(QueryDict(urlencode({"q": text})))
    found = criteria.messages(support, find_matches(criteria.search, support)).newest_first()
    assert {"message_zaap_id", "sqlite_autoindex_whatsapp_message_1"} <= indexes(found)
    assert "SCAN whatsapp_message" not in found.explain()


@pytest.mark.parametrize(
    ("column", "index"),
    [("zapi_id", "sqlite_autoindex_whatsapp_message_1"), ("zaap_id", "message_zaap_id")],
)
def test_id_prefix_search_uses_an_index(support, column, index):
    found = ids_with_prefix(column, "3EB0C767", support)
    assert f"{index} ({column}>? AND {column}<?)" in found.explain()


def test_stuck_messages_query_uses_the_index_of_newest_messages(instance):
    newest = message_set().first_heard_between(timezone.now(), None).newest_first()
    assert indexes(stuck(newest, timezone.now())) & {
        "message_newest",
        "message_newest_of_instance",
    }


@pytest.mark.parametrize("query", ["", "&period=all", "&instance=1&period=24h", "&order=newest"])
def test_stuck_view_reads_the_index_of_newest_messages_in_its_order(support, instance, query):
    criteria = Criteria.read(QueryDict(f"view=stuck{query}"))
    plan = criteria.messages(support).order_by(*criteria.sorting).explain()
    assert "INDEX message_newest" in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan


@pytest.mark.parametrize("narrowed", ["", "&instance=1", "&status=failed", "&groups=1"])
def test_date_filter_uses_the_index_of_sending_times(support, narrowed):
    query = f"since=2026-10-01T00:00Z&until=2026-10-02T00:00Z{narrowed}"
    criteria = Criteria.read(QueryDict(query))
    found = criteria.messages(support).newest_first(criteria.order)
    assert "INDEX message_sent (started_at>? AND started_at<?" in found.explain()


def test_search_by_last_digits_uses_an_index(db):
    ends = [
        KnownAddress.objects.filter(part_filter("address", Meaning.END, "99999999")),
        Alias.objects.filter(part_filter("number", Meaning.END, "99999999")),
    ]
    assert [indexes(found) for found in ends] == [{"known_address_ends"}, {"alias_number_ends"}]


def test_failure_filter_uses_the_indexes_of_failed_messages(support):
    for query, index in {
        "reason=send_timeout": "message_newest_failed",
        "retry=later&since=2026-10-01T00:00Z&until=2026-10-02T00:00Z": "message_failed_by_time",
    }.items():
        criteria = Criteria.read(QueryDict(query))
        assert indexes(criteria.messages(support).newest_first(criteria.order)) == {index}


def test_failure_counts_read_only_the_index(support):
    failed = message_set().filter(FAILED, started_at__gte=timezone.now()).of_kinds(COUNTED)
    counted = failed.values_list("failure_code").annotate(number=Count("pk"))
    assert "COVERING INDEX message_failed_by_time" in counted.explain()


def test_unknown_failures_use_their_index(support):
    newest = Message.objects.filter(UNKNOWN_FAILURE, failure_code=UNKNOWN)
    plan = newest.order_by("-started_at", "-id").explain()
    assert "INDEX message_unknown_failure" in plan
    assert "TEMP B-TREE" not in plan
