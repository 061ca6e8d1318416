"""This plugin is loaded before the settings.

So tests do not use a developer's data, .env or secrets.
"""

import base64
import os
import tempfile

from hypothesis import HealthCheck, settings

os.environ.update(
    DATA_DIR=tempfile.mkdtemp(prefix="statusboard-tests-"),
    SECRET_KEY="only-for-tests-" + "s" * 40,
    WEBHOOK_SIGNING_KEYS="only-for-tests-" + "w" * 40,
    FIELD_ENCRYPTION_KEYS=base64.urlsafe_b64encode(b"only-for-tests".ljust(32, b"-")).decode(),
    PUBLIC_BASE_URL="https://board.example.com",
    EMAIL_URL="memorymail://",
    ZAPI_BASE_URL="http://127.0.0.1:9",  # no test calls the real Z-API
    DEFAULT_TIME_ZONE="UTC",
    DEBUG="off",
    # Django's tests empty every table by TRUNCATE, which the audit log refuses without it.
    PGOPTIONS="-c statusboard.may_empty_audit=on",
)
if os.environ.get("DATABASE_URL", "sqlite:").startswith("sqlite:"):
    # pytest-xdist's workers inherit the URL of the process that starts them.
    os.environ["DATABASE_URL"] = f"sqlite:///{os.environ['DATA_DIR']}/statusboard.sqlite3"


from statusboard.environment import prepare

prepare()

# Each example empties its tables itself. There is no deadline, because a busy machine must not fail
# tests.
settings.register_profile(
    "statusboard",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("statusboard")
