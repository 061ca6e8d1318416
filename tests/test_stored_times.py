"""Times are read from the database unchanged, with every driver and cursor."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import transaction

pytestmark = pytest.mark.django_db
TIMES = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 11, 28, 12, 0, 0, 50, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
]


@pytest.mark.parametrize("at", TIMES)
def test_stored_time_is_returned_unchanged_in_utc(at):
    User.objects.create(username="ana", date_joined=at)
    (found,) = User.objects.values_list("date_joined", flat=True)
    assert (found, found.tzinfo) == (at, UTC)


def test_stored_time_read_by_an_iterator_is_unchanged_in_utc():
    User.objects.create(username="ana", date_joined=TIMES[1])
    with transaction.atomic():  # uses a server-side cursor on PostgreSQL
        (found,) = User.objects.values_list("date_joined", flat=True).iterator()
    assert (found, found.tzinfo) == (TIMES[1], UTC)
