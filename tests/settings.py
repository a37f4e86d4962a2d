"""The product's settings for tests: a database server of their own, no mail, no slow passwords."""

import atexit
import os
import shutil
import socket
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if "LEADMGMT_VAR" not in os.environ:
    os.environ["LEADMGMT_VAR"] = tempfile.mkdtemp(prefix="leadmgmt-test-")
    atexit.register(shutil.rmtree, os.environ["LEADMGMT_VAR"], ignore_errors=True)
os.environ.setdefault("LEADMGMT_CLUSTER", str(ROOT / "var" / "test-postgres"))
# What a crash of this server may lose is thrown away anyhow.
os.environ.setdefault("LEADMGMT_CLUSTER_DISPOSABLE", "1")
os.environ.setdefault("SECRET_KEY", "only for tests")

from leadmgmt.settings import *  # noqa: E402, F403  # the environment above has to stand first
from leadmgmt.settings import DATABASES, STATIC_ROOT, STORAGES, VAR_DIR  # noqa: E402  # as above

# A database name per run, so that two runs on one server do not meet; the host's name as pids repeat between hosts.
HOST_MARK = socket.gethostname()[:12].lower().replace("-", "_")
_base = DATABASES["default"]["NAME"]
DATABASES["default"]["TEST"] = {
    "NAME": os.environ.get("LEADMGMT_TEST_DATABASE") or f"test_{_base}_{HOST_MARK}_{os.getpid()}"
}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Fixed, whatever the developer's own .env says.
PUBLIC_URL = "http://localhost:8000"
ALLOWED_HOSTS = ["*"]
DEBUG = False
