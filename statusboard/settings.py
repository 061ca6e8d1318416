"""All settings, read from the environment or .env. `.env.example` documents each of them.

Importing this module creates nothing: see statusboard.environment.prepare().
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from statusboard import build, logs
from statusboard.environment import (
    BASE_DIR,
    DATA_DIR,
    DATABASE,
    IS_EMBEDDED,
    METRICS_DIR,
    PRIVATE_DATABASES,
    SPOOL_PATH,
    STATIC_ROOT,
    env,
)

__all__ = ["BASE_DIR", "DATA_DIR", "PRIVATE_DATABASES", "STATIC_ROOT"]

DEBUG = env.bool("DEBUG", default=False)
# Read when the process starts: after a `git pull`, an old process still runs the old code.
BUILD_COMMIT = build.commit(BASE_DIR)

# ── Database ─────────────────────────────────────────────────────────────────────────────────────

# For libpq: notice within seconds that the server is gone. tcp_user_timeout is in milliseconds.
_FAIL_QUICKLY = {
    "connect_timeout": 2,
    "tcp_user_timeout": 3000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}


def _database(given: dict[str, Any]) -> dict[str, Any]:
    # Opening a connection costs more than storing a callback. After a restart of PostgreSQL every
    # thread has a broken one, so pages and jobs check it first.
    database: dict[str, Any] = given | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    if IS_EMBEDDED:
        database["OPTIONS"] = {
            # Take the write lock at BEGIN: a read that becomes a write cannot wait for the lock.
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            # FULL: an answered callback is on the disk, not in its cache.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    else:
        database["ENGINE"] = "statusboard.postgresql"
        database["OPTIONS"] = _FAIL_QUICKLY | database.get("OPTIONS", {})
    return database


# Space that the spool leaves free on its disk, for other programs and for draining itself.
SPOOL_MIN_FREE = env.int("SPOOL_MIN_FREE_MB", default=64) * 2**20

# The spool's quota for one instance, so that a flood from one leaves room for the others.
SPOOL_MAX_BYTES_PER_INSTANCE = env.int("SPOOL_MAX_MB_PER_INSTANCE", default=512) * 2**20
SPOOL_MAX_CALLBACKS_PER_INSTANCE = env.int("SPOOL_MAX_CALLBACKS_PER_INSTANCE", default=1_000_000)

DATABASES = {
    "default": _database(DATABASE),
    "spool": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(SPOOL_PATH),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 1,
            # Keep the WAL file short (wal_autocheckpoint). FAST overwrites deleted data only if
            # that writes no additional page: on a full disk, draining the spool must not need more
            # space. When the spool is empty, its free pages are returned to the disk.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            " PRAGMA wal_autocheckpoint=200; PRAGMA secure_delete=FAST;",
        },
        "TEST": {"NAME": f"{SPOOL_PATH}.test"},
    },
}
DATABASE_ROUTERS = ["messages.models.spooled_callback.SpoolRouter"]
if env.str("REPLICA_DATABASE_URL", default=""):
    DATABASES["replica"] = _database(env.db_url("REPLICA_DATABASE_URL"))
    DATABASE_ROUTERS.append("messages.models.replica_router.ReplicaRouter")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# For `dumpdata`: Django's own serializer would cut every time to milliseconds.
SERIALIZATION_MODULES = {"jsonl": "statusboard.exact_jsonl"}

# ── Secrets: three independent ones; the lists have the newest first ─────────────────────────────

# Empty only if prepare() was not called. Django then raises an error when it needs the key.
SECRET_KEY = env.str("SECRET_KEY", default="")
WEBHOOK_SIGNING_KEYS = env.list("WEBHOOK_SIGNING_KEYS", default=[])
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[])

# ── URLs and networks ────────────────────────────────────────────────────────────────────────────


def _networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(text.strip()) for text in env.list(name, default=[])]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must be a list of networks such as 203.0.113.0/24: {error}."
        ) from None


PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="").rstrip("/")
_public = urlsplit(PUBLIC_BASE_URL)
IS_HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = [
    *([_public.hostname] if _public.hostname else []),
    *env.list("ALLOWED_HOSTS", default=[]),
    *("127.0.0.1", "localhost", "[::1]"),
]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if _public.hostname else []

# Where `serve` listens.
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
# By name, because passkeys do not work on an IP address.
LOCAL_BASE_URL = f"http://localhost:{PORT}"
WEB_WORKERS = env.int("WEB_WORKERS", default=2)
# In each worker. Pages use at most half of them: see statusboard.page_limiter.
WEB_THREADS = env.int("WEB_THREADS", default=20)
# The Z-API simulator accepts http URLs; the real Z-API does not (see `make demo`).
DEMO = env.bool("DEMO", default=False)

ZAPI_BASE_URL = env.str("ZAPI_BASE_URL", default="https://api.z-api.io").rstrip("/")
ZAPI_CA_FILE = env.str("ZAPI_CA_FILE", default="")
# How often the worker reads each instance's webhooks back.
VERIFY_EVERY_MINUTES = env.int("VERIFY_EVERY_MINUTES", default=15)
# Whether URLs that people enter may be in a private network, or use http.
FORWARD_ALLOW_PRIVATE = env.bool("FORWARD_ALLOW_PRIVATE", default=False)
FORWARD_CA_FILE = env.str("FORWARD_CA_FILE", default="")

# ── Transport ────────────────────────────────────────────────────────────────────────────────────

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
if IS_HTTPS:
    # With this prefix browsers refuse the cookie from any other host, subdomain, or http.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
KNOWN_DEVICE_COOKIE_NAME = "__Host-known_device" if IS_HTTPS else "known_device"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS
# Health checks and the worker call this machine directly. The webhook endpoint must never redirect:
# Z-API would turn the POST into a GET.
SECURE_REDIRECT_EXEMPT = [r"^webhooks/", r"^(healthz|readyz|metrics)$"]
if env.bool("TRUST_X_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# The largest form has a few fields. Files are uploaded through views of their own.
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 2
DEFAULT_EXCEPTION_REPORTER = "statusboard.error_pages.RedactingReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "statusboard.error_pages.RedactingReporterFilter"

# ── Application ──────────────────────────────────────────────────────────────────────────────────

INSTALLED_APPS = [
    "messages.apps.MessagesConfig",
    # The pages discover the classes for the admin: the webhook endpoint does not need them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
]
MIDDLEWARE = [
    "statusboard.middleware.RequestIdMiddleware",
    "statusboard.middleware.Utf8Middleware",
    "statusboard.middleware.NoNulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "statusboard.middleware.BrowserPolicyMiddleware",
    "csp.middleware.CSPMiddleware",
    "messages.api.problem_details.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "messages.dashboard.shared.middleware.DatabaseUnavailableMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "messages.dashboard.shared.replica.ReplicaMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "messages.accounts.known_devices.KnownDeviceMiddleware",
    "messages.accounts.middleware.SessionLimitMiddleware",
    "messages.accounts.middleware.TwoFactorRequiredMiddleware",
    "messages.accounts.recent_sign_in.RecentSignInMiddleware",
    "messages.accounts.middleware.WholePageMiddleware",
    "messages.dashboard.shared.middleware.ViewerTimeZoneMiddleware",
    "messages.accounts.network_limits.NetworkLimitMiddleware",
    "messages.dashboard.shared.middleware.ConflictMiddleware",
]
# None of this runs for a callback: statusboard/wsgi.py serves the webhook endpoint without it.
ROOT_URLCONF = "statusboard.urls"
WSGI_APPLICATION = "statusboard.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "messages.dashboard.shared.context_processors.board",
                "messages.dashboard.incidents.banner.attention",
            ],
            "libraries": {"board": "messages.templatetags.statusboard_tags"},
        },
    }
]

# A status callback has a few hundred bytes, an inbound message with a long text a few thousand.
WEBHOOK_MAX_BODY = 256 * 1024
# The networks that may call the webhook endpoint. Empty allows all.
WEBHOOK_ALLOWED_NETWORKS = _networks("WEBHOOK_ALLOWED_NETWORKS")
# The proxies whose information about the client's IP is trusted.
WEBHOOK_TRUSTED_PROXIES = _networks("WEBHOOK_TRUSTED_PROXIES")
# The header with that information. A WSGI server cannot tell X_Forwarded_For from X-Forwarded-For.
# "Forwarded" has no hyphen, so it cannot be confused.
TRUSTED_PROXY_HEADER = env.str("TRUSTED_PROXY_HEADER", default="X-Forwarded-For")
if TRUSTED_PROXY_HEADER not in {"X-Forwarded-For", "Forwarded"}:
    raise ImproperlyConfigured("TRUSTED_PROXY_HEADER must be X-Forwarded-For or Forwarded.")
# Wrong keys from one IP before it has to wait. Each web process counts its own.
WEBHOOK_WRONG_KEYS_PER_MINUTE = env.int("WEBHOOK_WRONG_KEYS_PER_MINUTE", default=60)
# How many bytes of rejected callbacks are kept per instance.
QUARANTINE_MAX_BYTES = env.int("QUARANTINE_MAX_BYTES", default=50 * 1024 * 1024)

# Requests with one API key per minute, in all processes together.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=600)
# Requests from one IP per minute without a valid key. Each web process counts its own.
API_WRONG_KEYS_PER_MINUTE = env.int("API_WRONG_KEYS_PER_MINUTE", default=60)
# /metrics answers requests that send this token or come from one of these networks.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_ALLOWED_NETWORKS = _networks("METRICS_ALLOWED_NETWORKS")
METRICS_ON = bool(METRICS_TOKEN or METRICS_ALLOWED_NETWORKS)
if METRICS_ON:
    # Where each process writes its own counters. Read when prometheus_client is imported.
    env.ENVIRON["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "messages.api.api_schema.ApiSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Statusboard",
    "DESCRIPTION": "The status of WhatsApp messages sent through Z-API. Times are UTC.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # Both are the field `kind` of something.
    "ENUM_NAME_OVERRIDES": {
        "MessageKindEnum": "messages.domain.message_kinds.MessageKind",
        "IncidentKindEnum": "messages.models.incident.IncidentKind",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    # The default validator is on another host.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    # The webhook endpoint is not part of this schema and has no serializer.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}

# ── Sign-in ──────────────────────────────────────────────────────────────────────────────────────

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "statusboard.hashers.QueuedPBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "messages.accounts.allauth_adapter.ClosedAccountAdapter"
ACCOUNT_FORMS = {
    "login": "messages.accounts.forms.SignInForm",
    "reset_password": "messages.accounts.forms.ForgottenPasswordForm",
    "reauthenticate": "messages.accounts.forms.PasswordAgainForm",
    "change_password": "messages.accounts.forms.ChangedPasswordForm",
    "reset_password_from_key": "messages.accounts.forms.ChosenPasswordForm",
}
# Passwords and codes are limited by messages.accounts.sign_in_limits.
ACCOUNT_RATE_LIMITS = {
    "login": "",
    "login_failed": "",
    "reauthenticate": "",
    "change_password": "",
    # Per client. The worker counts the links sent to each account.
    "reset_password": "20/m/ip",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Statusboard] "
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL = "account_login"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"
LOGIN_REDIRECT_URL = "dashboard:messages"

# A session ends after this time without activity. 0 means no such limit.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=8 * 60)
# A session ends this long after the sign-in, even if active. 0 means never.
SESSION_MAX_HOURS = env.int("SESSION_MAX_HOURS", default=7 * 24)
# How long a sign-in, or a repeated password or second factor, counts as recent. Changes that
# outlive the session need a recent one.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 60 * max(1, env.int("RECENT_SIGN_IN_MINUTES", default=15))
SESSION_COOKIE_AGE = 14 * 24 * 3600
USERSESSIONS_TRACK_ACTIVITY = True

TWO_FACTOR_REQUIRED = env.bool("TWO_FACTOR_REQUIRED", default=False)
MFA_ADAPTER = "messages.accounts.allauth_adapter.SecondFactorAdapter"
MFA_FORMS = {
    "add_webauthn": "messages.accounts.forms.AddPasskeyForm",
    "authenticate": "messages.accounts.forms.CodeForm",
    "reauthenticate": "messages.accounts.forms.CodeAgainForm",
    "authenticate_webauthn": "messages.accounts.forms.PasskeyForm",
    "edit_webauthn": "messages.accounts.forms.RenamePasskeyForm",
    "reauthenticate_webauthn": "messages.accounts.forms.PasskeyAgainForm",
    "login_webauthn": "messages.accounts.forms.PasskeySignInForm",
}
# A passkey cannot be guessed. A low limit would lock out people who share an IP.
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Statusboard"
MFA_TOTP_TOLERANCE = 1  # clocks of phones differ
# Admins enter the e-mail addresses; nobody can sign up with somebody else's.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# For allauth's limits of password resets, across all processes and without another server.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "statusboard_cache",
        # High enough that requests for many other names do not evict a counter from the
        # cache.
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}

# Roles that see masked numbers. `migrate` applies it to people; API keys follow at once.
MASK_PHONES_FOR = [name.strip().lower() for name in env.list("MASK_PHONES_FOR", default=[])]
if not {"support", "supervisor", "admin"}.issuperset(MASK_PHONES_FOR):
    raise ImproperlyConfigured(
        "MASK_PHONES_FOR must be a list of roles among support, supervisor and admin."
    )

# ── Languages and time ───────────────────────────────────────────────────────────────────────────

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("pt-br", _("Brazilian Portuguese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"

# The time zone for viewers whose own is not known.
DEFAULT_TIME_ZONE = env.str("DEFAULT_TIME_ZONE", default="America/Sao_Paulo")
try:
    ZoneInfo(DEFAULT_TIME_ZONE)
except (KeyError, ValueError, OSError) as error:
    raise ImproperlyConfigured(
        "DEFAULT_TIME_ZONE must be the name of a time zone, such as America/Sao_Paulo."
    ) from error

# ── Pages ────────────────────────────────────────────────────────────────────────────────────────

# On printed pages and on the sign-in page.
COMPANY_NAME = env.str("COMPANY_NAME", default="")

# ── Static files ─────────────────────────────────────────────────────────────────────────────────

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served under their own names, such as /favicon.ico.
WHITENOISE_ROOT = BASE_DIR / "static" / "root"
# Before `collectstatic`, in a checkout or in tests, files are served from the source folders.
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "statusboard.static_files.StaticFiles"},
}

# ── E-mail and logs ──────────────────────────────────────────────────────────────────────────────

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
# Only the worker talks to the mail server. Everything else queues e-mails for it.
EMAIL_SERVER_BACKEND = vars()["EMAIL_BACKEND"]
EMAIL_BACKEND = "messages.mail.backend.QueueBackend"
# A mail server that never answers must not block the worker.
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="statusboard@localhost")

LOG_FORMAT = env.str("LOG_FORMAT", default="text")
if LOG_FORMAT not in {"text", "json"}:
    raise ImproperlyConfigured("LOG_FORMAT must be text or json.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "statusboard.logs.RedactingFormatter",
            "format": logs.TEXT_FORMAT,
            "style": "{",
        },
        "json": {"()": "statusboard.logs.JsonFormatter"},
    },
    "filters": {
        "refusals": {"()": "statusboard.logs.RefusalQuota", "per_minute": 60},
        "request id": {"()": "statusboard.middleware.RequestIdFilter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["refusals", "request id"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # Their own handlers would write the same lines twice, or unredacted.
    "loggers": {
        name: {"handlers": [], "propagate": True}
        for name in ("django", "django.server", "_granian")
    },
}
logs.redact_python_output()
