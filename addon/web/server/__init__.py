"""The gunicorn worker that serves the application."""
