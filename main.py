"""WSGI entry point: `gunicorn main:app`."""

from addon import create_app
from addon.settings import Settings

app = create_app(Settings.from_environ())
