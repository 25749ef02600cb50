"""WSGI entry point: `gunicorn main:app`."""

from addon import create_app, logs
from addon.settings import Settings

settings = Settings.from_environ()
logs.configure(settings.log_level, settings.log_format, settings.project)
app = create_app(settings)
