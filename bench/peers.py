"""Other projects' webhook views, to compare the webhook endpoint with.

They run without Statusboard, in an environment of their own (requirements-bench.txt), on the same
web server and PostgreSQL, without middleware. `python -m bench.peers` creates their tables.
django-anymail's receiver stores one row for each event, as its documentation suggests. dj-stripe
stores the request and the event, and marks the request as processed. It does not check the
signature here, which makes it slightly faster than by default.
"""

import os
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings

_database = urlsplit(os.environ["DATABASE_URL"])
ENDPOINT = "00000000-0000-4000-8000-000000000000"
settings.configure(
    SECRET_KEY="only-for-the-benchmark",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        *("django.contrib.contenttypes", "django.contrib.auth"),
        *("anymail", "djstripe"),
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _database.path[1:],
            "USER": _database.username,
            "PASSWORD": _database.password,
            "HOST": _database.hostname,
            "PORT": _database.port,
            "CONN_MAX_AGE": None,
        }
    },
    ANYMAIL={"WEBHOOK_SECRET": "bench:bench"},
    STRIPE_TEST_SECRET_KEY="sk_test_" + "x" * 24,
    STRIPE_LIVE_MODE=False,
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
)
django.setup()

# Django allows these imports only after setup().
from anymail.signals import tracking  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.dispatch import receiver  # noqa: E402
from django.urls import include, path  # noqa: E402


class TrackedEvent(models.Model):
    message_id = models.CharField(max_length=128, db_index=True)
    event_type = models.CharField(max_length=30)
    recipient = models.CharField(max_length=254)
    occurred_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "bench"


@receiver(tracking)
def store(event: Any, **_others: Any) -> None:
    TrackedEvent.objects.create(
        message_id=event.message_id,
        event_type=event.event_type,
        recipient=event.recipient,
        occurred_at=event.timestamp,
    )


urlpatterns = [
    path("anymail/", include("anymail.urls")),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
application = WSGIHandler()


def create_tables() -> None:
    from djstripe.models import Account, APIKey, WebhookEndpoint  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    if WebhookEndpoint.objects.exists():
        return
    with connection.schema_editor() as editor:
        editor.create_model(TrackedEvent)
    # With an account, dj-stripe does not ask Stripe whose key it is.
    account = Account.objects.create(id="acct_bench")
    APIKey.objects.create(
        secret=settings.STRIPE_TEST_SECRET_KEY,
        type="secret",
        livemode=False,
        djstripe_owner_account=account,
    )
    WebhookEndpoint.objects.create(
        id="we_bench",
        djstripe_uuid=ENDPOINT,
        djstripe_validation_method="none",
        enabled_events=["*"],
        url="https://example.com/",
        livemode=False,
        djstripe_owner_account=account,
    )


if __name__ == "__main__":
    create_tables()
