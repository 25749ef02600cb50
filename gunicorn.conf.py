"""How gunicorn serves Skolsynk, on App Engine and in a container alike.

It listens on $PORT by itself. What is not as it must be ends it here, with one line.
"""

import sys

from addon import EXTENSION_KEY, logs
from addon.bootstrap import open_store
from addon.settings import Settings, SettingsError, SqliteAddress
from addon.store.base import StoreError

wsgi_app = "main:app"

# One process: an instance has less than one processor core or not much more, and the local
# queue, the directory's quota and what is kept in memory are each one process's.
workers = 1
# Reads requests outside of the threads: a slow client takes none of them.
worker_class = "addon.web.server.worker.BufferingWorker"
# Each takes a file descriptor, of which a process has 1024 by default.
worker_connections = 512
# More than the 8 requests that app.yaml lets in at once, so that a health check is never behind
# runs. They wait for Google and for vendors most of the time.
threads = 16
# How long the process may not give a sign of life. A run takes minutes, in a thread of its own.
timeout = 120
graceful_timeout = 25
# Longer than proxies keep an idle connection, so that it is they who close it.
keepalive = 75
# It would be a file, and on App Engine there is no place for one.
control_socket_disable = True
loglevel = "warning"

try:
    settings = Settings.from_environ()
except SettingsError as error:
    sys.exit(f"skolsynk: {error}")
logs.configure(settings.log_level, settings.log_format, settings.project)


def on_starting(server):
    """Before there is a worker: gunicorn's own messages in our form, and the store tried."""
    logs.take_over_loggers("gunicorn.error", "gunicorn.access")
    if isinstance(settings.store, SqliteAddress):
        try:
            open_store(settings).close()
        except StoreError as error:
            sys.exit(f"skolsynk: {error}")


def post_worker_init(worker):
    """In the process that serves: where tasks are done here, begin."""
    worker.wsgi.extensions[EXTENSION_KEY].start(worker.wsgi.jinja_env)


def worker_exit(server, worker):
    """Begin nothing more; what was left is gone on with at the next start."""
    if worker.wsgi is not None:
        worker.wsgi.extensions[EXTENSION_KEY].stop()
