"""What the home card shows, gathered from the tenant's data as values."""

from markupsafe import Markup
from msgspec import Struct

from addon.planning.limits import Approval, Hold
from addon.tenants.model import Limits, Mode, Tenant
from addon.tenants.pause import current_pause
from addon.web.addon_card.texts import rendered, said
from addon.web.directory.cache import TenantDirectory
from addon.web.formats import ago
from addon.web.hold_decisions import removal_hash
from addon.web.labels import MODES
from addon.web.presenters.connection_status import (
    KINDS,
    ConnectionStatus,
    FinishedReport,
    connection_statuses,
)
from addon.web.presenters.hold import HeldView, approval_of, held_view, is_sending
from addon.web.presenters.hold_units import UnitCount, units_of
from addon.web.presenters.overview import Headline, headline
from addon.web.presenters.setup_steps import setup_steps
from addon.web.presenters.vendor_errors import trouble_remedy
from addon.web.request_context import RequestContext
from addon.web.support_contact import support_contact
from addon.web.translation import gettext_str as _
from addon.web.waiting_holds import WaitingHold


class HoldView(Struct, frozen=True):
    """A hold: its id and the hash of what it would remove, and what is said of it.

    `mode` is the environment of the vendor that it is about. `sending` is whether a run is
    carrying out the approval; `approvable` is false in a pause.
    """

    id: str
    content: str
    vendor: str
    mode: Mode
    name: str
    hold: Hold
    limits: Limits
    units: tuple[UnitCount, ...]
    approval: Approval | None
    sending: bool
    approvable: bool
    judged: HeldView | None = None
    """With the likely cause; None while the directory has not been read since."""


class VendorView(Struct, frozen=True):
    """A vendor's line: `kind` and `state` are its state as a shape and in words.

    `advice` is what to do about its trouble, empty if there is none.
    """

    vendor: str
    name: str
    kind: str
    state: str
    facts: str
    advice: str = ""


class HomeView(Struct, frozen=True):
    """The home card of a tenant.

    `kind` is the kind of `sentence`: `ok`, `wait`, `stop` or `off`. `next_endpoint` is the page
    of the next step while nothing has been set up to be sent. `errors` in Workspace keep people
    from being sent, which `sentence` says if `errors_told`. `unconfirmed` removals wait for
    evidence, and the protection of `ended` people has ended. `unread` is whether the last reading
    failed.
    """

    organisation: str
    kind: str
    sentence: Markup
    holds: tuple[HoldView, ...] = ()
    vendors: tuple[VendorView, ...] = ()
    errors: int = 0
    errors_told: bool = False
    unconfirmed: int = 0
    ended: int = 0
    unread: bool = False
    paused: bool = False
    can_run: bool = False
    next_endpoint: str = ""


def home_view(ctx: RequestContext) -> HomeView:
    """Return what the tenant's home card shows. Raises StoreError."""
    organisation = ctx.tenant.organisation.name
    if ctx.farewell:  # what is held then is for the operator to decide
        left = said("addon_card/texts", "uninstalled")
        return HomeView(organisation, "stop", left, can_run=_any_is_on(ctx.tenant))
    walk = setup_steps(ctx.store, ctx.tenant, ctx.runs, ctx.vendors, ctx.now)
    statuses = connection_statuses(ctx.sync_context, ctx.tenant, ctx.runs, ctx.holds, ctx.now)
    holds = tuple(hold_view(ctx, held) for held in ctx.holds)
    if not walk.done and walk.current is not None and all(s.mode == "off" for s in statuses):
        step = str(walk.current.title).lower()
        sentence = Markup.escape(_("Inget skickas ännu. Nästa steg är %(step)s.", step=step))
        return HomeView(organisation, "wait", sentence, holds, next_endpoint=walk.current.endpoint)
    found = headline(ctx.runs, statuses, ctx.last_reading)
    paused = current_pause(ctx.tenant, ctx.now) is not None
    return HomeView(
        organisation=organisation,
        kind=_kind(found, paused or bool(ctx.protection.ended)),
        sentence=rendered("addon_card/sentence", headline=found),
        holds=holds,
        vendors=tuple(_vendor_view(status, ctx.now) for status in statuses),
        errors=0 if found.findings is None else found.findings.errors,
        errors_told=found.state == "ok" and not paused,
        unconfirmed=sum(s.part.unconfirmed for s in statuses if s.part and s.mode != "off"),
        ended=len(ctx.protection.ended),
        unread=found.state == "unread",
        paused=paused,
        can_run=not paused and _any_is_on(ctx.tenant),
    )


def hold_view(ctx: RequestContext, held: WaitingHold) -> HoldView:
    """Return what is shown of a hold. Raises StoreError."""
    connection = ctx.tenant.connection(held.vendor)
    approval = approval_of(ctx.store, held, ctx.now)
    paused = current_pause(ctx.tenant, ctx.now) is not None
    return HoldView(
        id=hold_id(held),
        content=removal_hash(held, approval),
        vendor=held.vendor,
        mode=held.key.mode,
        name=ctx.vendor_name(held.vendor),
        hold=held.hold,
        limits=Limits() if connection is None else connection.limits,
        units=units_of(held.hold, ctx.tenant.unit_names),
        approval=approval,
        sending=is_sending(ctx.runs, held.vendor),
        approvable=held.hold.withdrawal or not paused,
        judged=_judged(ctx, held),
    )


def _judged(ctx: RequestContext, held: WaitingHold) -> HeldView | None:
    """Return the hold as the directory shows it, if that was read since."""

    def judge(directory: TenantDirectory) -> HeldView | None:
        if directory.directory_snapshot.read < held.hold.at:
            return None
        return held_view(directory, held.hold, held.vendor)

    return ctx.from_directory(judge)


def hold_id(held: WaitingHold) -> str:
    """Return the id of a hold: a connection has one at most in each mode."""
    return f"{held.vendor}.{held.key.mode}"


def _any_is_on(tenant: Tenant) -> bool:
    return any(connection.mode != "off" for connection in tenant.connections)


def _vendor_view(status: ConnectionStatus, now: float) -> VendorView:
    facts = [str(MODES[status.mode])]
    if status.part is not None and status.part.people is not None:
        facts.append(said("addon_card/texts", "people", status.part.people).unescape())
    if (changed := _changed(status.sent, now)) is not None:
        facts.append(changed)
    return VendorView(
        vendor=status.connection.vendor,
        name=status.name,
        kind=status.kind,
        state=said("parts/status", "state_text", status).unescape(),
        facts=" · ".join(facts),
        advice=_advice(status),
    )


def _advice(status: ConnectionStatus) -> str:
    if status.state == "failed" and status.part is not None:
        return trouble_remedy(status.part, support_contact())
    if status.problem is not None and status.state == "problem":
        return _("Det som saknas ställs in av %(support)s.", support=support_contact())
    return ""


def _changed(sent: FinishedReport | None, now: float) -> str | None:
    return None if sent is None else _("senaste ändring %(ago)s", ago=ago(sent.at, now))


def _kind(found: Headline, waits: bool) -> str:
    kind = KINDS.get(found.state, "stop")
    waits = waits or bool(found.findings and found.findings.errors)
    return "wait" if kind == "ok" and waits else kind
