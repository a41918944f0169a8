"""Django's settings, all from the table in `config.environment`."""

import secrets

from config import broker, database, environment
from core import folders, lean
from core.logs import FORMATS

lean.import_rest_framework()

HOME = environment.home()
RUN_FOLDER = environment.run_folder()
PROCESS = environment.text("LINEAL_PROCESS")
DEBUG = environment.flag("LINEAL_DEBUG")
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "core",
    "audit",
    "accounts",
    "notify",
    "lineage",
    "retention",
    "tracking",
    "registry",
    "monitoring",
    "web",
]

MIDDLEWARE = [
    "config.draining.DrainMiddleware",
    "core.context.RequestContextMiddleware",
    "core.watching.WatchingMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "web.security.SecurityHeadersMiddleware",
    "web.compression.StaticCompressionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.origin.OriginMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "core.problems.ProblemMiddleware",
    "accounts.middleware.PagePrincipalMiddleware",
]

if environment.text("LINEAL_DATABASE_REPLICA_URL"):
    MIDDLEWARE.insert(2, "core.replica.FreshReadsMiddleware")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request", "web.context.page"],
            "builtins": ["web.templatetags.lineal"],
        },
    }
]

DATABASES = database.databases(HOME)
DATABASE_ROUTERS = ["core.replica.Router"] if "replica" in DATABASES else []
DATABASE_APP_ROLE = database.app_role()
DATABASE_POOLER = database.behind_pooler()
REPLICA_LAG_S = environment.number("LINEAL_DATABASE_REPLICA_LAG")
SLOW_READ_S = max(1, environment.number("LINEAL_SEARCH_SECONDS"))
BLOBS_URL = environment.store("LINEAL_BLOBS_URL") or f"file://{HOME / 'blobs'}"
BLOBS_ENCRYPTION = environment.encryption("LINEAL_BLOBS_ENCRYPTION")
BLOBS_PUBLIC_URL = environment.public_store("LINEAL_BLOBS_PUBLIC_URL")
BLOBS_LINK_LIFE_S = environment.link_life_s("LINEAL_BLOBS_LINK_LIFE_S")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

ALLOWED_HOSTS = [host.strip() for host in environment.text("LINEAL_HOSTS").split(",") if host.strip()]
PUBLIC_URL = environment.text("LINEAL_PUBLIC_URL").rstrip("/")
TRUSTED_PROXIES = environment.number("LINEAL_TRUSTED_PROXIES")
OUTBOUND_ALLOW = [entry.strip() for entry in environment.text("LINEAL_OUTBOUND_ALLOW").split(",") if entry.strip()]
SMTP_URL = environment.mail_server("LINEAL_SMTP_URL")
MAIL_FROM = environment.text("LINEAL_MAIL_FROM")
DATA_ROOTS = [entry.strip() for entry in environment.text("LINEAL_DATA_ROOTS").split(",") if entry.strip()]
BIN_DAYS = environment.number("LINEAL_BIN_DAYS")
SWEEP_GRACE_HOURS = environment.number("LINEAL_SWEEP_GRACE_HOURS")
PROFILE_PARTS_DAYS = environment.number("LINEAL_PROFILE_PARTS_DAYS")
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CSRF_COOKIE_NAME = "lineal_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False  # our own script echoes it in X-CSRFToken
CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
CSRF_FAILURE_VIEW = "core.problems.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # one request body; artifacts stream and are bounded by their own size
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

AUDIT_ORIGIN = environment.text("LINEAL_AUDIT_ORIGIN")
AUDIT_ML_DSA = environment.flag("LINEAL_AUDIT_ML_DSA")
ANCHORS_URL = environment.bucket("LINEAL_ANCHORS_URL")
ANCHORS_LOCK_DAYS = environment.number("LINEAL_ANCHORS_LOCK_DAYS")
METRICS_LISTEN = environment.address("LINEAL_METRICS_LISTEN")
METRICS_OPEN_TO = environment.networks("LINEAL_METRICS_OPEN_TO")
PROBLEM_PAGE = "web.errors.render_problem"
RING_WORKERS = True
CELERY_APP = "config.celery.app"
BROKER = broker.settings_for(environment.text("LINEAL_BROKER_URL"), HOME)
SWEEP_S = environment.positive("LINEAL_SWEEP_S")
JOB_LEASE_S = environment.positive("LINEAL_LEASE_S")
STOP_S = environment.positive("LINEAL_STOP_S")

STATIC_URL = "/static/"
STATIC_ROOT = None  # nothing is collected: WhiteNoise serves the files where the packages keep them
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerToken",
        "accounts.api.authentication.PageSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.authentication.SignedIn"],
    "DEFAULT_THROTTLE_CLASSES": ["core.ratelimit.RequestThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["core.codec.JsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.codec.OneForm",
    "DEFAULT_PARSER_CLASSES": ["core.codec.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "accounts.api.openapi.Schema",
    "EXCEPTION_HANDLER": "core.problems.handle",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Lineal",
    "DESCRIPTION": "Runs, models, promotions, lineage and the audit ledger over REST. Errors are RFC 9457 problems.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": True,
    "SERVE_PERMISSIONS": ["accounts.api.authentication.SignedIn"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "config.openapi.with_examples"
    ],  # not theirs: choices stand where they are used: shared names for them would mean nothing
    "APPEND_COMPONENTS": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
}

environment.choice("LINEAL_LOG_FORMAT", FORMATS)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"ours": {"()": "core.logs.make_formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "ours"}},
    "root": {"handlers": ["stderr"], "level": environment.text("LINEAL_LOG_LEVEL")},
    "loggers": {
        "django.request": {"level": "ERROR"},  # a 404 is an answer, not an event of ours
        "django.security": {"level": "ERROR"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "ERROR"},
        "botocore": {"level": "WARNING"},  # it tells each process where credentials come from
    },
}


def _secret_key() -> str:
    """Signs CSRF cookies only; kept beside the other keys, made at first start."""
    path = HOME / "keys" / "django.key"
    if path.exists() and not path.stat().st_size:  # an earlier release could leave it so where the disk was full
        path.unlink(missing_ok=True)
    folders.write_once(path, lambda: secrets.token_urlsafe(48).encode())
    return path.read_text()


SECRET_KEY = _secret_key()
