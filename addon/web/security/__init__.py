"""Access control: administrators, callers of cron and tasks, CSRF, sessions, response headers."""
