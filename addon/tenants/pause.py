"""The days on which nothing runs, as the tenant's document says."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from addon.tenants.model import Pause, Tenant

LOCAL = ZoneInfo("Europe/Stockholm")
"""The time zone in which the days of a pause are counted."""
REHEARSED = timedelta(days=7)
"""How long before a pause ends it is shown what the first run after it would do."""


class PausedError(Exception):
    """The tenant is paused; the message says until when, and what to do."""

    def __init__(self, tenant_id: str, pause: Pause) -> None:
        super().__init__(
            f"{tenant_id} is paused until {pause.until}, that day included, so nothing was read or "
            "sent. End the pause on the settings page, or in the document's schedule.pause."
        )
        self.pause = pause


def today(now: float) -> date:
    """The day in Sweden at `now` (seconds since 1970 UTC)."""
    return datetime.fromtimestamp(now, UTC).astimezone(LOCAL).date()


def current_pause(tenant: Tenant, now: float) -> Pause | None:
    """The pause that `now` is in, or None."""
    pause = tenant.schedule.pause
    return pause if pause is not None and pause.covers(today(now)) else None


def ends_at(pause: Pause) -> float:
    """The end of the pause's last day in Sweden, in seconds since 1970 UTC."""
    return datetime.combine(pause.until + timedelta(days=1), time(), LOCAL).timestamp()


def rehearsal_begins(pause: Pause) -> date:
    """The first day of the pause's last week, on which its end is rehearsed."""
    return max(pause.start, pause.until - REHEARSED)


def is_rehearsed(tenant: Tenant, now: float) -> bool:
    """Whether `now` is in the last week of a pause."""
    pause = current_pause(tenant, now)
    return pause is not None and rehearsal_begins(pause) <= today(now)


def raise_if_paused(tenant: Tenant, now: float) -> None:
    """Raise PausedError if the tenant is paused at `now`."""
    pause = current_pause(tenant, now)
    if pause is not None:
        raise PausedError(tenant.customer_id, pause)
