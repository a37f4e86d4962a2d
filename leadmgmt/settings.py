"""All settings, in one file, from the environment (see .env.example)."""

from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from leadmgmt import database
from leadmgmt.core import secrets
from leadmgmt.core.env import (
    env_address,
    env_bool,
    env_choice,
    env_code,
    env_hosts,
    env_int,
    env_list,
    env_mail,
    env_origins,
    env_sender,
    env_str,
    env_zone,
    read_file,
)

# Lets ModelForm[Lead] and ModelAdmin[Lead] be written at run time as the type checker wants them.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
read_file(BASE_DIR / ".env")
VAR_DIR = Path(env_str("LEADMGMT_VAR") or BASE_DIR / "var")

DEBUG = env_bool("DEBUG", default=False)
BIND = env_str("BIND", "127.0.0.1")
# Links in mails lead here.
PUBLIC_URL = env_address("PUBLIC_URL", f"http://localhost:{env_int('PORT', 8000, least=1, most=65535)}")
SECRET_KEY = env_str("SECRET_KEY") or secrets.local_secret(VAR_DIR, "secret_key")
# Encrypts stored credentials (CRM tokens, provider keys). Kept outside the database on purpose.
FIELD_KEYS = env_list("FIELD_KEYS") or [secrets.local_secret(VAR_DIR, "field_key")]
# People who were erased are known again by a hash with this key; another one forgets them.
ERASURE_KEY = env_str("ERASURE_KEY") or secrets.local_secret(VAR_DIR, "erasure_key")
_host = f"[{_name}]" if ":" in (_name := urlsplit(PUBLIC_URL).hostname or "") else _name
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]", _host]
CSRF_TRUSTED_ORIGINS = env_origins("CSRF_TRUSTED_ORIGINS") or [PUBLIC_URL]
# Who may read /metrics from elsewhere than this host.
METRICS_TOKEN = env_str("METRICS_TOKEN")

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "csp",
    "django_filters",
    "django_htmx",
    "django_q",
    "rest_framework",
    "drf_spectacular",
    "leadmgmt",
    "leads",
    "routing",
    "qualification",
    "crmsync",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "leadmgmt.core.web.HeadMiddleware",
    # Pages shrink to a fifth; Django pads them at random against BREACH.
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "leadmgmt.person.PersonMiddleware",
    "leadmgmt.changes.actor.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "leadmgmt.core.messages.HtmxMessagesMiddleware",
    "leadmgmt.core.web.DomainErrorMiddleware",
]

ROOT_URLCONF = "leadmgmt.urls"
WSGI_APPLICATION = "leadmgmt.wsgi.application"
ASGI_APPLICATION = "leadmgmt.asgi.application"
AUTH_USER_MODEL = "leads.User"
AUTHENTICATION_BACKENDS = ["leads.backend.PersonBackend"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "leadmgmt.shell.context",
            ],
        },
    }
]

DATABASES = {"default": database.configuration(VAR_DIR)}

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env_zone("TIME_ZONE", "Europe/Berlin")
DEFAULT_COUNTRY = env_code("DEFAULT_COUNTRY", "DE", 2)
CURRENCY = env_code("CURRENCY", "EUR", 3)

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "leadmgmt.staticfiles.Storage"
    },
}
MEDIA_ROOT = VAR_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Security: everything from this address only. HTTPS settings follow the public address.
SECURE = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("BEHIND_PROXY", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    # The admin's theme evaluates its own expressions; it gets its own policy from django-unfold's needs.
    "EXCLUDE_URL_PREFIXES": ["/admin/"],
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# Without a mail server every message becomes a file in EMAIL_FILE_PATH.
_mail = env_mail("EMAIL_URL")
EMAIL_BACKEND = _mail.get("EMAIL_BACKEND", "leadmgmt.core.mail.OutboxFolderBackend")
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_HOST = _mail.get("EMAIL_HOST", "localhost")
EMAIL_PORT = _mail.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
# A mail service instead of a server: mails go by its API, and it reports what becomes of them to
# /api/v1/mail/tracking/.
EMAIL_ESP = env_choice("EMAIL_ESP", "none", ("none", "postmark", "mailgun", "sendgrid", "brevo"))
if EMAIL_ESP != "none":
    EMAIL_BACKEND = f"anymail.backends.{EMAIL_ESP}.EmailBackend"
EMAIL_ESP_WEBHOOK_SECRET = env_str("EMAIL_ESP_WEBHOOK_SECRET")
ANYMAIL = {
    # Mailgun signs instead.
    "WEBHOOK_SECRET": "" if EMAIL_ESP == "mailgun" else EMAIL_ESP_WEBHOOK_SECRET,
    "POSTMARK_SERVER_TOKEN": env_str("EMAIL_ESP_KEY"),
    "MAILGUN_API_KEY": env_str("EMAIL_ESP_KEY"),
    "MAILGUN_SENDER_DOMAIN": env_str("EMAIL_ESP_DOMAIN") or None,
    "MAILGUN_WEBHOOK_SIGNING_KEY": EMAIL_ESP_WEBHOOK_SECRET,
    "SENDGRID_API_KEY": env_str("EMAIL_ESP_KEY"),
    "BREVO_API_KEY": env_str("EMAIL_ESP_KEY"),
    "REQUESTS_TIMEOUT": 10,
}
# Files in a folder reach nobody.
MAIL_GOES_OUT = EMAIL_BACKEND != "leadmgmt.core.mail.OutboxFolderBackend"
DEFAULT_FROM_EMAIL = env_sender("DEFAULT_FROM_EMAIL", "Leadmgmt <leadmgmt@localhost>")

WORKERS = env_int("WORKERS", 3, least=1, most=64)
WEB_WORKERS = env_int("WEB_WORKERS", 2, least=1, most=64)
WEB_THREADS = env_int("WEB_THREADS", 8, least=1, most=64)
# Attempts and backoff live in our own rows (docs/architecture.md), so the queue never retries by itself.
Q_CLUSTER = {
    "name": "leadmgmt",
    "orm": "default",
    "broker_class": "leadmgmt.core.broker.NotifyBroker",
    "workers": WORKERS,
    "queue_limit": WORKERS,
    "bulk": 1,
    "timeout": 120,
    "retry": 600,
    "max_attempts": 1,
    "ack_failures": True,
    # Successes are told by our own rows; django-q2 would lock all kept ones at each job to prune them.
    "save_limit": -1,
    "catch_up": False,
    "scheduler": False,
    # Only the safety net: workers are woken by NOTIFY.
    "poll": 2.0,
    "recycle": 5000,
    "has_replica": False,
}

# How much memory a training of the win probability may take: more, and it ends with a message instead.
SCORING_MEMORY_MB = env_int("SCORING_MEMORY_MB", 1500, least=50, most=1_000_000)

# Enrichment has a deadline, not a veto.
ENRICHMENT_WAIT_SECONDS = env_int("ENRICHMENT_WAIT_SECONDS", 1, least=0, most=30)
# Hosts or networks that outbound calls may reach although they are private (an own enrichment service, say).
# Name servers of our own for looking mail exchangers up; the machine's where none is named.
DNS_SERVERS: list[str] = list(env_hosts("DNS_SERVERS"))
DNS_PORT = env_int("DNS_PORT", 53, least=1, most=65535)
OUTBOUND_ALLOW_PRIVATE = env_hosts("OUTBOUND_ALLOW_PRIVATE")
# Checks the calls of a Slack app's buttons; without it messages have none.
SLACK_SIGNING_SECRET = env_str("SLACK_SIGNING_SECRET")
CAPTURE_MAX_BYTES = env_int("CAPTURE_MAX_BYTES", 1024 * 1024, least=1024)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "leads.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["leads.api.parser.StrictJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "leadmgmt.core.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Leadmgmt",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "leads.api.schema.add_capture"],
}

# The admin in the product's name and colours; its scale from pale to dark goes through the accent of tokens.css.
UNFOLD = {
    "SITE_TITLE": "Leadmgmt",
    "SITE_HEADER": "Leadmgmt",
    "SITE_SUBHEADER": _("Settings and repair"),
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("leadmgmt/mark.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("leadmgmt/mark.svg")},
    ],
    "COLORS": {
        "primary": {
            "50": "#f0f8f9",
            "100": "#dff0f2",
            "200": "#b9dfe3",
            "300": "#86d8e0",
            "400": "#5cc4cf",
            "500": "#1f8997",
            "600": "#0b6470",
            "700": "#084d56",
            "800": "#0a3f47",
            "900": "#12313a",
            "950": "#05262b",
        }
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["console"],
        "level": env_choice("LOG_LEVEL", "WARNING", ["DEBUG", "INFO", "WARNING", "ERROR"]),
    },
}

if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is empty: set it to 50 random characters.")
