"""Gunicorn's settings (``manage.py start`` uses them). Threads with lasting database connections were fastest."""

import os
from typing import Any

from django.conf import settings
from django.db import connections

_descriptor = os.environ.get("LEADMGMT_WEB_SOCKET")
_address = f"{os.environ.get('BIND', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"

bind = f"fd://{_descriptor}" if _descriptor else _address
wsgi_app = "leadmgmt.wsgi:application"
worker_class = "gthread"
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
preload_app = True
keepalive = 5
timeout = 60
graceful_timeout = 20
loglevel = "warning"
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def pre_fork(server: Any, worker: Any) -> None:
    """A connection opened while loading the program must not be shared by the workers."""
    connections.close_all()
