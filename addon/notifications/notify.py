"""Whom to tell what after a run: e-mail for holds and failures, once each.

Each connection's standing is compared with what was told about it before, which is kept in the
store. So nothing depends on being called after every run: what could not be sent is told with the
next run, if it still stands then.
"""

import logging
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct, structs

from addon.notifications.events import ConnectionNews, Notice, connection_standing, directory_news
from addon.notifications.mailer import Mailer, MailError, mailer
from addon.notifications.message import render_message
from addon.settings import Settings
from addon.store.base import Store
from addon.store.records import Namespace, RunRecord
from addon.sync.context import SyncContext, load_tenant_or_raise
from addon.tenants.model import Connection, Tenant

log = logging.getLogger(__name__)

AGAIN = 24 * 3600.0
"""Seconds until a failure that ended and came back is told again."""
KEPT = 180 * 24 * 3600.0
"""Seconds for which it is remembered what was told; a trouble of that age is told once more."""
DIRECTORY = "directory"
"""What was told about reading the directory is kept under this; of a connection, under its
names."""


class Notification(Struct, frozen=True):
    """A trouble that was told at a time, seconds since 1970 UTC, and whether it still stands.

    `count` is how many resources a refusal was about.
    """

    at: float
    stands: bool
    count: int = 0


Notified = dict[str, Notification]
"""What was told about one connection, by the signature of the trouble."""


def notify(context: SyncContext, mail: Mailer, tenant_id: str, vendor: str | None = None) -> int:
    """Tell the tenant's administrators what is new after a run. The messages sent: 0 or 1.

    With `vendor`, only of that connection: after a delivery. Raises NotFoundError and StoreError;
    that a message did not go is logged, and it is tried again with the next run.
    """
    tenant = load_tenant_or_raise(context.store, tenant_id)
    if not tenant.notices.email or not tenant.notices.about:
        return 0
    now = context.clock()
    runs = context.store.runs(tenant_id, _enough(tenant))
    news: list[Notice] = []
    remembered: list[tuple[str, Notified, Notified, Notified]] = []
    for key, standing in _standings(tenant, runs, vendor):
        before = _memory(context.store, tenant_id, key, now)
        fresh, after = decide(standing, before, now)
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
    return int(sent)


def after_run(
    open_context: Callable[[], SyncContext], tenant_id: str, vendor: str | None = None
) -> None:
    """`notify` with the mailer of the settings, where there is one. Never raises."""
    try:
        context = open_context()
        mail = mailer(context.settings.web.mail, context.secrets or _no_secrets)
        if mail is not None:
            notify(context, mail, tenant_id, vendor)
    except Exception as error:  # whatever it is, the run is done and stays so
        log.warning("no notice was sent: %s", type(error).__name__)


def test_message(tenant: Tenant, mail: Mailer) -> None:
    """Send the tenant's administrators a message that says that messages arrive.

    Raises MailError; `addon.notifications.advice` has its words for a page.
    """
    to = tenant.notices.email
    name = tenant.organisation.name
    mail.send(render_message(to, "Provmeddelande från Skolsynk", "test", organisation=name))


def decide(
    standing: ConnectionNews, before: Notified, now: float
) -> tuple[Notice | None, Notified]:
    """What is to be told, if anything, and what to remember apart from that it was told.

    A hold is told when it begins. A failure is told when it begins, unless the same was told
    within a day. While they stand neither is told again, but for a refusal that has come to
    concern more, and that once a day.
    """
    news = standing.news
    memory = {
        signature: told if _stands(signature, standing) else structs.replace(told, stands=False)
        for signature, told in before.items()
        if _stands(signature, standing) or (signature != "held" and now - told.at < AGAIN)
    }
    if news is None:
        return None, memory
    told = memory.get(news.signature)
    if told is None:
        return news, memory
    grown = news.count > told.count
    if (told.stands and not grown) or now - told.at < AGAIN:
        return None, memory
    return news, memory


def _stands(signature: str, standing: ConnectionNews) -> bool:
    """Whether a trouble is still there. Who was refused is left alone until tried again."""
    if standing.news is not None and standing.news.signature == signature:
        return True
    return signature == "refused" and standing.refused


def _standings(
    tenant: Tenant, runs: Sequence[RunRecord], vendor: str | None
) -> list[tuple[str, ConnectionNews]]:
    """How all that the runs say something of stands, with what it is remembered under."""
    found: list[tuple[str, ConnectionNews]] = []
    for connection in tenant.connections:
        if vendor in (None, connection.vendor):
            standing = connection_standing(runs, connection)
            if standing is not None:
                found.append((_key(connection), standing))
    if vendor is None:
        news, read = directory_news(runs)
        if news is not None or read:
            found.append((DIRECTORY, ConnectionNews(news, refused=False)))
    return found


def _key(connection: Connection) -> str:
    return f"{connection.vendor}.{connection.mode}"


def _enough(tenant: Tenant) -> int:
    """How many runs to look at: two of each connection's, and those of reading."""
    return min(50, 2 * len(tenant.connections) + 6)


def _wanted(news: Notice, about: Sequence[str]) -> bool:
    kinds = {"held": {"held"}, "unread": {"failed", "unread"}}.get(news.kind, {"failed"})
    return not kinds.isdisjoint(about)


def _send(settings: Settings, mail: Mailer, tenant: Tenant, news: Sequence[Notice]) -> bool:
    items = [_item(settings, each) for each in news]
    organisation = tenant.organisation.name
    message = render_message(
        tenant.notices.email, _subject(items), "notice", organisation=organisation, all=items
    )
    try:
        mail.send(message)
    except MailError as error:
        log.warning("a notice was not sent, and is tried again with the next run: %s", error)
        return False
    log.info("a notice of %d things was sent", len(items))
    return True


def _item(settings: Settings, news: Notice) -> dict[str, object]:
    """One piece of news as the templates have it: with the vendor's name and a link."""
    vendor = settings.vendors.get(news.vendor)
    link = None
    if settings.web.url is not None:
        page = "/sparrar" if news.kind == "held" else f"/korningar/{news.run}"
        link = settings.web.url + page
    name = vendor.name if vendor is not None else news.vendor
    return {**structs.asdict(news), "name": name, "link": link}


def _subject(items: Sequence[dict[str, object]]) -> str:
    if len(items) > 2:
        return f"{len(items)} saker i Skolsynk behöver ses över"
    return ". ".join(_heading(item) for item in items)


def _heading(item: dict[str, object]) -> str:
    match item["kind"]:
        case "held":
            return f"Spärr hos {item['name']}: körningen väntar på ert besked"
        case "refused":
            return f"{item['name']} tog inte emot allt"
        case "configuration":
            return f"Anslutningen till {item['name']} är inte färdigt inställd"
        case "unread":
            return "Google Workspace gick inte att läsa"
        case _:
            return f"Leveransen till {item['name']} avbröts"


def _memory(store: Store, tenant_id: str, key: str, now: float) -> Notified:
    item = store.get(Namespace("notices", tenant_id), key, now)
    return {} if item is None else msgspec.json.decode(item.data, type=Notified)


def _remember(store: Store, tenant_id: str, key: str, memory: Notified, now: float) -> None:
    store.put(Namespace("notices", tenant_id), key, msgspec.json.encode(memory), now, now + KEPT)


def _no_secrets(name: str) -> str:
    raise MailError("password", f"{name} cannot be read: there is no Secret Manager here")
