"""Notify administrators by e-mail of holds and failures after a run, once for each.

Each connection's state is compared with the notices already sent about it, which are kept in the
store. Therefore it need not be called after every run: a notice that could not be sent is sent
after the next run if its cause still exists.
"""

import logging
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct, structs

from addon.age import age
from addon.notifications.events import (
    ABOUT_PROTECTED,
    UNKNOWN,
    ConnectionNews,
    Notice,
    connection_news,
    directory_news,
    protected_set_news,
    protection_news,
)
from addon.notifications.farewell import tell_of_farewell
from addon.notifications.mailer import Mailer, MailError
from addon.notifications.message import render_message
from addon.notifications.pause_notices import tell_of_pause
from addon.notifications.smtp import mailer
from addon.notifications.weekly_letter import tell_of_week
from addon.planning.protected_set import ProtectedSet
from addon.settings import Settings
from addon.store.base import CacheStore
from addon.store.records import Namespace, RunRecord
from addon.sync.context import SyncContext, load_tenant_with_licence
from addon.tenants.model import Connection, Tenant

log = logging.getLogger(__name__)

AGAIN = 24 * 3600.0
"""Seconds before a notice is repeated for a failure that ended and occurred again."""
KEPT = 180 * 24 * 3600.0
"""Seconds until the record of a sent notice expires; then the notice is sent once more."""
DIRECTORY = "directory"
"""The key of notices about reading the directory; for those of a connection see `_key`."""
PROTECTION = "protection"
"""The key of notices about people with protected identity who are not known."""


class Notification(Struct, frozen=True):
    """A notice that was sent at `at` (seconds since 1970 UTC).

    `stands` is whether its cause still exists; `count` how many resources a refusal was about.
    """

    at: float
    stands: bool
    count: int = 0


Notified = dict[str, Notification]
"""The notices sent about one connection, by the signature of their cause."""


def notify(
    context: SyncContext, mail: Mailer | None, tenant_id: str, vendor: str | None = None
) -> int:
    """Send the tenant's administrators what is new after a run; return how many messages were sent.

    Of a customer who has left only that is told, see `addon.notifications.farewell`; `mail` is None
    where none is sent. With
    `vendor`, only about that connection: after a delivery. Raises NotFoundError and StoreError. A
    message that could not be sent is logged, and tried again after the next run.
    """
    tenant, licence = load_tenant_with_licence(context.store, tenant_id)
    if licence.farewell:
        return tell_of_farewell(context, mail, tenant, licence)
    if mail is None or not tenant.notices.email:
        return 0
    told = 0
    if vendor is None:
        told = tell_of_pause(context, mail, tenant) + tell_of_week(context, mail, tenant)
    return told + int(bool(tenant.notices.about) and _tell(context, mail, tenant, vendor))


def _tell(context: SyncContext, mail: Mailer, tenant: Tenant, vendor: str | None) -> bool:
    """Send what is new of the connections, the directory and protected people."""
    tenant_id = tenant.customer_id
    now = context.clock()
    runs = context.store.runs(tenant_id, _enough(tenant))
    news: list[Notice] = []
    remembered: list[tuple[str, Notified, Notified, Notified]] = []
    states = _connection_states(tenant, runs, vendor)
    if vendor is None:
        known = context.store.protected_set(tenant_id)
        states += protected_set_news(known or ProtectedSet(), now)
    for key, state in states:
        before = _memory(context.store, tenant_id, key, now)
        fresh, after = decide(state, before, now)
        silent = after
        if fresh is not None and _wanted(fresh, tenant.notices.about):
            news.append(fresh)
            after = {**after, fresh.signature: Notification(now, stands=True, count=fresh.count)}
        remembered.append((key, before, silent, after))
    sent = bool(news) and _send(context.settings, mail, tenant, news)
    for key, before, silent, after in remembered:
        kept = after if sent else silent
        if kept != before:
            _remember(context.store, tenant_id, key, kept, now)
    return sent


def after_run(
    open_context: Callable[[], SyncContext], tenant_id: str, vendor: str | None = None
) -> None:
    """Call `notify` with the mailer of the settings. Never raises."""
    try:
        context = open_context()
        mail = mailer(context.settings.web.mail, context.secrets or _no_secrets)
        if mail is not None or context.settings.marketplace_app is not None:
            notify(context, mail, tenant_id, vendor)
    except Exception as error:  # an error here must not make the finished run fail
        log.warning("no notice was sent: %s", type(error).__name__)


def test_message(tenant: Tenant, mail: Mailer) -> None:
    """Send the tenant's administrators a test message.

    Raises MailError; `addon.notifications.advice` explains it on a page.
    """
    to = tenant.notices.email
    name = tenant.organisation.name
    mail.send(render_message(to, "Provmeddelande från Skolsynk", "test", organisation=name))


def decide(state: ConnectionNews, before: Notified, now: float) -> tuple[Notice | None, Notified]:
    """Return the notice to send, if any, and the record to keep if it is not sent.

    A notice is sent when a hold begins, and when a failure begins unless the same notice was sent
    within a day. While the cause exists it is not repeated, except for a refusal that concerns
    more resources than before, once a day at most.
    """
    news = state.news
    before = _with_current_signature(before, news)
    memory = {
        signature: sent if _still_applies(signature, state) else structs.replace(sent, stands=False)
        for signature, sent in before.items()
        if _still_applies(signature, state) or (signature != "held" and age(sent.at, now) < AGAIN)
    }
    if news is None:
        return None, memory
    sent = memory.get(news.signature)
    if sent is None:
        return news, memory
    grown = news.count > sent.count
    if (sent.stands and not grown) or age(sent.at, now) < AGAIN:
        return None, memory
    return news, memory


def _with_current_signature(before: Notified, news: Notice | None) -> Notified:
    """Return the record with the notice's current signature in place of its earlier one."""
    if news is None or news.signature in before or news.earlier_signature not in before:
        return before
    sent = before[news.earlier_signature]
    rest = {name: each for name, each in before.items() if name != news.earlier_signature}
    return {**rest, news.signature: sent}


def _still_applies(signature: str, state: ConnectionNews) -> bool:
    """Whether the cause of a notice still exists.

    Refused resources are not tried in every run, so a refusal need not be in the latest news.
    """
    if state.news is not None and state.news.signature == signature:
        return True
    return signature == "refused" and state.refused


def _connection_states(
    tenant: Tenant, runs: Sequence[RunRecord], vendor: str | None
) -> list[tuple[str, ConnectionNews]]:
    """Return the state of each connection, and of the directory, that the runs are about.

    Each is given with the key of its notices in the store.
    """
    found: list[tuple[str, ConnectionNews]] = []
    for connection in tenant.connections:
        if vendor in (None, connection.vendor):
            state = connection_news(runs, connection)
            if state is not None:
                found.append((_key(connection), state))
    if vendor is None:
        news, read = directory_news(runs)
        if news is not None or read:
            found.append((DIRECTORY, ConnectionNews(news, refused=False)))
        protection = protection_news(runs)
        if protection is not None:
            found.append((PROTECTION, protection))
    return found


def _key(connection: Connection) -> str:
    return f"{connection.vendor}.{connection.mode}"


def _enough(tenant: Tenant) -> int:
    """Return how many runs to read: two for each connection, and those that read the directory."""
    return min(50, 2 * len(tenant.connections) + 6)


def _wanted(news: Notice, about: Sequence[str]) -> bool:
    if news.kind in ABOUT_PROTECTED:
        return True
    kinds = {"held": {"held"}, "unread": {"failed", "unread"}}.get(news.kind, {"failed"})
    return not kinds.isdisjoint(about)


def _send(settings: Settings, mail: Mailer, tenant: Tenant, news: Sequence[Notice]) -> bool:
    items = [_item(settings, each) for each in news]
    organisation = tenant.organisation.name
    message = render_message(
        tenant.notices.email,
        _subject(items),
        "notice",
        organisation=organisation,
        all=items,
        contact=settings.web.contact,
    )
    try:
        mail.send(message)
    except MailError as error:
        log.warning("a notice was not sent, and is tried again with the next run: %s", error)
        return False
    log.info("a notice was sent; things in it: %d", len(items))
    return True


def _item(settings: Settings, news: Notice) -> dict[str, object]:
    """Return a notice as the templates expect it: with the vendor's name and a link."""
    vendor = settings.vendors.get(news.vendor)
    link = None
    if settings.web.url is not None:
        pages = dict.fromkeys(ABOUT_PROTECTED, "/skyddade") | {
            "held": "/sparrar",
            "protectedUnknown": f"/datakvalitet/{UNKNOWN}",
        }
        link = settings.web.url + pages.get(news.kind, f"/korningar/{news.run}")
    name = vendor.name if vendor is not None else news.vendor
    return {**structs.asdict(news), "name": name, "link": link}


def _subject(items: Sequence[dict[str, object]]) -> str:
    if len(items) > 2:
        return f"{len(items)} saker i Skolsynk behöver ses över"
    return ". ".join(_heading(item) for item in items)


def _heading(item: dict[str, object]) -> str:
    match item["kind"]:
        case "held":
            return f"Spärr hos {item['name']} väntar på ert besked"
        case "refused":
            return f"{item['name']} tog inte emot allt"
        case "configuration":
            return f"Anslutningen till {item['name']} är inte klar"
        case "unread":
            return "Google Workspace gick inte att läsa"
        case "protectedUnknown":
            return "Skyddade personer kan inte identifieras"
        case "protectedEnded":
            return "Skyddet har upphört för någon: Skolsynk väntar på ert besked"
        case "protectedRemoved":
            return f"Skyddade personer har tagits bort hos {item['name']}"
        case "protectedLeft":
            return f"Skyddade personer finns kvar hos {item['name']}"
        case _:
            return f"Leveransen till {item['name']} avbröts"


def _memory(store: CacheStore, tenant_id: str, key: str, now: float) -> Notified:
    item = store.get(Namespace("notices", tenant_id), key, now)
    return {} if item is None else msgspec.json.decode(item.data, type=Notified)


def _remember(store: CacheStore, tenant_id: str, key: str, memory: Notified, now: float) -> None:
    store.put(Namespace("notices", tenant_id), key, msgspec.json.encode(memory), now, now + KEPT)


def _no_secrets(name: str) -> str:
    raise MailError("password", f"{name} cannot be read: there is no Secret Manager here")
