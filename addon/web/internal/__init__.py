"""Endpoints for programs: health checks, cron and tasks."""
