"""Notify administrators the day before a pause begins, and the day before it ends, once each.

Before a message is sent it is claimed in the store, so that two tasks at the same time send one.
A process that is killed leaves a claim that expires; the message is then sent again, with the
same Message-ID, by which mail systems recognise a message that they have.
"""

import logging
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

from addon.notifications.mailer import Mailer, MailError
from addon.notifications.message import render_message
from addon.store.records import Namespace
from addon.sync.context import SyncContext
from addon.tenants.model import Pause, Tenant
from addon.tenants.pause import today

log = logging.getLogger(__name__)

Event = Literal["begins", "ends"]
DAY = timedelta(days=1)
CLAIMED = 15 * 60.0
"""Seconds until the claim of a message that was never sent expires."""
KEPT = 400 * 24 * 3600.0
"""Seconds until the record of a sent message expires; the pause is over by then."""
SENT, SENDING = b"sent", b"sending"
SUBJECTS: dict[Event, str] = {
    "begins": "Pausen i Skolsynk börjar {day}",
    "ends": "Pausen i Skolsynk slutar {day}",
}


class PauseNotice(Struct, frozen=True):
    """What is to be said of a pause: that it begins or ends on `day`."""

    event: Event
    day: date

    @property
    def name(self) -> str:
        """The name of the notice in the store."""
        return f"pause.{self.event}.{self.day}"


def due_pause_notice(pause: Pause | None, day: date) -> PauseNotice | None:
    """Return the notice that is due on `day`, or None.

    It is due the day before, and on the day itself for whoever did not get it then. The end of a
    pause of a day or two is not announced apart from its beginning.
    """
    if pause is None:
        return None
    if pause.start - DAY <= day <= pause.start:
        return PauseNotice("begins", pause.start)
    if max(pause.start + DAY, pause.until - DAY) <= day <= pause.until:
        return PauseNotice("ends", pause.until) if pause.until - pause.start > DAY else None
    return None


def notice_of(tenant: Tenant, now: float) -> PauseNotice | None:
    """Return the notice of the tenant's pause that is due at `now`, or None."""
    return due_pause_notice(tenant.schedule.pause, today(now))


def tell_of_pause(context: SyncContext, mail: Mailer, tenant: Tenant) -> int:
    """Send the notice that is due unless it has been sent; return how many messages were sent.

    Raises StoreError. A message that could not be sent is logged, and tried again the next time.
    """
    now, pause = context.clock(), tenant.schedule.pause
    notice = notice_of(tenant, now)
    if notice is None or pause is None or not tenant.notices.email:
        return 0
    namespace = Namespace("notices", tenant.customer_id)
    if not context.store.put_if_absent(namespace, notice.name, SENDING, now, now + CLAIMED):
        return 0
    message = render_message(
        tenant.notices.email,
        SUBJECTS[notice.event].format(day=notice.day),
        "pause",
        organisation=tenant.organisation.name,
        event=notice.event,
        pause=pause,
        resumes=pause.until + DAY,
        url=context.settings.web.url,
        contact=context.settings.web.contact,
        id=f"{notice.name}.{tenant.customer_id}",
    )
    try:
        mail.send(message)
    except MailError as error:
        log.warning("a notice of a pause was not sent, and is tried again: %s", error)
        context.store.delete(namespace, notice.name)
        return 0
    context.store.put(namespace, notice.name, SENT, now, now + KEPT)
    log.info("a notice of a pause was sent: %s", notice.event)
    return 1
