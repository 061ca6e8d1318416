"""Reset shared state between tests."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from messages.api.base_views import people, unknown_callers
from messages.incidents.incident_counts import Counts, incident_counts
from messages.ingest.service import breaker
from messages.notifications.worker_alarm import worker_alarm
from messages.webhooks.throttling import wrong_keys


@pytest.fixture(autouse=True, scope="session")
def _settings_of_tests(django_test_environment: None) -> None:
    # Queue e-mails as in production. Django's test runner would use the in-memory backend.
    settings.EMAIL_BACKEND = "messages.mail.backend.QueueBackend"
    # Hashing a password well takes longer than all the rest of a test.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Otherwise WhiteNoise reads all static files for each new test client.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def forgotten_strangers() -> None:
    """Reset the limits of wrong keys, because all tests use the same IP."""
    for buckets in (wrong_keys, unknown_callers, people):
        buckets.buckets.clear()


@pytest.fixture(autouse=True)
def _database_is_back() -> Iterator[None]:
    """Close the circuit breaker, so that an outage in one test does not affect the next."""
    yield
    breaker.close()


@pytest.fixture(autouse=True)
def nothing_needs_attention() -> Iterator[None]:
    """Pages show no banner and make no query for it, unless a test is about incidents."""
    incident_counts.freeze(Counts())
    worker_alarm.disable()
    yield
    incident_counts.refresh()
