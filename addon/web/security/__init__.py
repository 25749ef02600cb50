"""Who gets in: administrators, App Engine's callers, CSRF, sessions and response headers."""
