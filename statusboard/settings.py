"""Every setting, read from the environment or .env. `.env.example` documents each."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from statusboard import keyring, logs, private_files

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")
env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "data"))).resolve()

# ── Database ─────────────────────────────────────────────────────────────────────────────────────

# For libpq: a server that is gone must be noticed in seconds (milliseconds in tcp_user_timeout).
_PUNCTUAL = {
    "connect_timeout": 2,
    "tcp_user_timeout": 3000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}


def _database() -> dict[str, Any]:
    database: dict[str, Any] = env.db_url(
        "DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'statusboard.sqlite3'}"
    )
    # Opening a connection costs more than storing a callback does.
    database["CONN_MAX_AGE"] = None
    # A restart of PostgreSQL leaves every thread with a broken one: pages and jobs look first.
    database["CONN_HEALTH_CHECKS"] = True
    engine = database["ENGINE"]
    if engine == "django.db.backends.sqlite3":
        database["OPTIONS"] = {
            # Take the write lock at BEGIN: a read that turns into a write cannot be made to wait.
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            # FULL: an answered callback is on the disk, not in its cache.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
    elif engine == "django.db.backends.postgresql":
        database["ENGINE"] = "statusboard.postgresql"
        database["OPTIONS"] = _PUNCTUAL | database.get("OPTIONS", {})
    else:
        raise ImproperlyConfigured("DATABASE_URL must name postgres:// or sqlite:///.")
    return database


# Where callbacks are kept while the database is away: a disk of this machine that persists.
SPOOL_PATH = Path(env.str("SPOOL_PATH", default=str(DATA_DIR / "spool.sqlite3"))).resolve()
# What the spool leaves free on its disk, for others and for emptying itself again.
SPOOL_MIN_FREE = env.int("SPOOL_MIN_FREE_MB", default=64) * 2**20

# What one instance may keep in it, so that one that floods leaves room for all others.
SPOOL_MAX_BYTES_PER_INSTANCE = env.int("SPOOL_MAX_MB_PER_INSTANCE", default=512) * 2**20
SPOOL_MAX_CALLBACKS_PER_INSTANCE = env.int("SPOOL_MAX_CALLBACKS_PER_INSTANCE", default=1_000_000)

DATABASES = {
    "default": _database(),
    "spool": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(SPOOL_PATH),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 1,
            # A short log. FAST overwrites what is deleted where that writes no page more: on a disk
            # that is full, emptying the spool must not need the room that is not there. Whole pages
            # are given back once it is empty.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            " PRAGMA wal_autocheckpoint=200; PRAGMA secure_delete=FAST;",
        },
        "TEST": {"NAME": f"{SPOOL_PATH}.test"},
    },
}
DATABASE_ROUTERS = ["messages.models.spooled_callback.SpoolRouter"]
IS_EMBEDDED = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
_embedded = [Path(DATABASES["default"]["NAME"])] if IS_EMBEDDED else []
# The SQLite databases. ":memory:" is none of them.
PRIVATE_DATABASES = [path for path in (*_embedded, SPOOL_PATH) if path.is_absolute()]
private_files.keep_private(DATA_DIR, PRIVATE_DATABASES)
for _path in PRIVATE_DATABASES:
    _path.parent.mkdir(parents=True, exist_ok=True)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# For `dumpdata`: Django's own would cut every time to milliseconds.
SERIALIZATION_MODULES = {"jsonl": "statusboard.exact_jsonl"}

# ── Secrets: three, independent, the last two lists with the newest first ────────────────────────

keyring.supply(
    env.ENVIRON,
    DATA_DIR / "secrets.env",
    may_generate=IS_EMBEDDED or env.bool("STATUSBOARD_GENERATE_SECRETS", default=False),
)
SECRET_KEY = env.str("SECRET_KEY")
WEBHOOK_SIGNING_KEYS = env.list("WEBHOOK_SIGNING_KEYS")
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS")

# ── Addresses ────────────────────────────────────────────────────────────────────────────────────


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

# Where `serve` listens, and so where the board is to be found when nothing else is said.
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
# By name: passkeys work at no IP address.
LOCAL_BASE_URL = f"http://localhost:{PORT}"
WEB_WORKERS = env.int("WEB_WORKERS", default=2)
# In each of them. Pages use at most half: see statusboard.page_limiter.
WEB_THREADS = env.int("WEB_THREADS", default=20)
# The stand-in for Z-API takes http addresses, which the real one never does (see `make demo`).
DEMO = env.bool("DEMO", default=False)

ZAPI_BASE_URL = env.str("ZAPI_BASE_URL", default="https://api.z-api.io").rstrip("/")
ZAPI_CA_FILE = env.str("ZAPI_CA_FILE", default="")
# How often the worker reads each instance's webhooks back.
VERIFY_EVERY_MINUTES = env.int("VERIFY_EVERY_MINUTES", default=15)
# Whether addresses that people type in may lie in a private network, or begin with http.
FORWARD_ALLOW_PRIVATE = env.bool("FORWARD_ALLOW_PRIVATE", default=False)
FORWARD_CA_FILE = env.str("FORWARD_CA_FILE", default="")

# ── Transport ────────────────────────────────────────────────────────────────────────────────────

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
if IS_HTTPS:
    # By this prefix browsers refuse the cookie from any other host, subdomains and http included.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
KNOWN_DEVICE_COOKIE_NAME = "__Host-known_device" if IS_HTTPS else "known_device"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS
# Health checks and the worker call this machine directly; the webhook must never be redirected,
# because Z-API would turn the POST into a GET.
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
# The largest form has a few fields. Files come in through views of their own.
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 2
DEFAULT_EXCEPTION_REPORTER = "statusboard.error_reports.RedactingReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "statusboard.error_reports.RedactingReporterFilter"

# ── Application ──────────────────────────────────────────────────────────────────────────────────

INSTALLED_APPS = [
    "messages.apps.MessagesConfig",
    "django.contrib.admin",
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
    "statusboard.request_ids.RequestIdMiddleware",
    "statusboard.charset.Utf8Middleware",
    "statusboard.charset.NoNulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "statusboard.browser_limits.BrowserLimitsMiddleware",
    "csp.middleware.CSPMiddleware",
    "messages.api.problem_details.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "statusboard.database_errors.DatabaseUnavailableMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
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
    "messages.dashboard.shared.edit_conflicts.ConflictMiddleware",
]
# None of it runs for a callback: the webhook has a door of its own in statusboard/wsgi.py.
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

# A status callback has a few hundred bytes, an inbound message with a long text some thousands.
WEBHOOK_MAX_BODY = 256 * 1024
# Who may call the webhook at all; nobody is left out where it is empty.
WEBHOOK_ALLOWED_NETWORKS = _networks("WEBHOOK_ALLOWED_NETWORKS")
# Whose word about the client's address is believed.
WEBHOOK_TRUSTED_PROXIES = _networks("WEBHOOK_TRUSTED_PROXIES")
# Where they say who called them. A server for WSGI cannot tell X_Forwarded_For from
# X-Forwarded-For; no other name is taken for "Forwarded".
TRUSTED_PROXY_HEADER = env.str("TRUSTED_PROXY_HEADER", default="X-Forwarded-For")
if TRUSTED_PROXY_HEADER not in {"X-Forwarded-For", "Forwarded"}:
    raise ImproperlyConfigured("TRUSTED_PROXY_HEADER must be X-Forwarded-For or Forwarded.")
# What one address may get wrong before it is told to wait; each web process counts for itself.
WEBHOOK_WRONG_KEYS_PER_MINUTE = env.int("WEBHOOK_WRONG_KEYS_PER_MINUTE", default=60)
# The most that is kept, of each instance, of callbacks that could not be understood.
QUARANTINE_MAX_BYTES = env.int("QUARANTINE_MAX_BYTES", default=50 * 1024 * 1024)

# What one API key may ask in a minute, counted for all processes together.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=600)
# How often one address may ask without a key that works; each web process counts for itself.
API_WRONG_KEYS_PER_MINUTE = env.int("API_WRONG_KEYS_PER_MINUTE", default=60)
# /metrics is there for who sends this token, or calls from one of these networks.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_ALLOWED_NETWORKS = _networks("METRICS_ALLOWED_NETWORKS")
METRICS_ON = bool(METRICS_TOKEN or METRICS_ALLOWED_NETWORKS)
if METRICS_ON:
    # Where the processes put what only they know. Read when prometheus_client is imported.
    _metrics_dir = env.ENVIRON.setdefault("PROMETHEUS_MULTIPROC_DIR", str(DATA_DIR / "metrics"))
    Path(_metrics_dir).mkdir(parents=True, exist_ok=True)

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "messages.api.schema.ApiSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Statusboard",
    "DESCRIPTION": "What became of WhatsApp messages sent through Z-API. Times are UTC.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    # It would ask another host what it thinks of the description.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    # The webhook is no part of what is described, and has no serializer to describe.
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
    # By client alone: the worker counts how often each account is sent a link.
    "reset_password": "20/m/ip",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Statusboard] "
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL = "account_login"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"
LOGIN_REDIRECT_URL = "dashboard:messages"

# Signed in and idle for so long: signed out. 0 leaves it to the browser.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=8 * 60)
# After the sign-in, however busy the session is. 0 is for ever.
SESSION_MAX_HOURS = env.int("SESSION_MAX_HOURS", default=7 * 24)
# A sign-in, or a password or second factor asked again, is recent for so long: long enough to
# change what outlives the session.
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
# A passkey cannot be guessed. Few attempts for each client would keep people out who share one.
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Statusboard"
MFA_TOTP_TOLERANCE = 1  # clocks of phones differ
# Admins enter the addresses; nobody signs up with a stranger's.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# For allauth's limits of password resets, across all processes and without another server.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "statusboard_cache",
        # Counters must not be pushed out by those of many other names.
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}

# Who sees numbers masked, as roles. `migrate` gives the roles what it says; keys follow at once.
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

# What times are shown in where nobody's own zone is known.
DEFAULT_TIME_ZONE = env.str("DEFAULT_TIME_ZONE", default="America/Sao_Paulo")
try:
    ZoneInfo(DEFAULT_TIME_ZONE)
except (KeyError, ValueError, OSError) as error:
    raise ImproperlyConfigured(
        "DEFAULT_TIME_ZONE must be the name of a time zone, such as America/Sao_Paulo."
    ) from error

# ── Static files ─────────────────────────────────────────────────────────────────────────────────

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served as they are called: /favicon.ico, for pages that name no icon.
WHITENOISE_ROOT = BASE_DIR / "static" / "root"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns of a folder that is not there
# Before `collectstatic` (a checkout, the tests) files are served from where they lie.
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "statusboard.static_files.StaticFiles"},
}

# ── E-mail and logs ──────────────────────────────────────────────────────────────────────────────

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
# Only the worker talks to the mail server; everybody else stores e-mails for it.
EMAIL_SERVER_BACKEND = vars()["EMAIL_BACKEND"]
EMAIL_BACKEND = "messages.mail.backend.QueueBackend"
# A mail server that never answers must not hold the worker up.
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
        "request id": {"()": "statusboard.request_ids.RequestIdFilter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["refusals", "request id"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # Their own handlers would write the same lines a second time, or unredacted.
    "loggers": {
        name: {"handlers": [], "propagate": True}
        for name in ("django", "django.server", "_granian")
    },
}
logs.redact_what_python_writes()
