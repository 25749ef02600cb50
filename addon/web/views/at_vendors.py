"""What each vendor has of a person by its ledger, and what the next run would do to them there."""

from typing import Literal

from msgspec import Struct

from addon.planning.ledger import LedgerEntry, LedgerKey
from addon.ss12000.ids import Ids
from addon.sync.context import ledger_key
from addon.sync.vendor_lookup import VendorResource
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.resource_diff import DiffRow
from addon.web.presenters.vendor_errors import refusal_remedy
from addon.web.request_context import RequestContext
from addon.web.views.directory import updated_since

Held = Literal["yes", "unsure", "no"]


class VendorResourceView(Struct, frozen=True):
    """A resource as the vendor has it, one row per value."""

    resource: VendorResource
    lines: tuple[DiffRow, ...]


class VendorRefusal(Struct, frozen=True):
    """That a vendor refuses a person: its answer, and what to do about it."""

    answer: str
    remedy: str


class AtVendor(Struct, frozen=True):
    """A vendor and a person: whether they are sent there, and whether it has them.

    `has` is according to the ledger of this `mode`: `yes`, `unsure` (a create whose response was
    lost) or `no`; `planned` is what the next run would do, empty for nothing and None when that
    is not known, and `stopped` is whether a hold stops it. `current` is False for what is left
    from a mode that the connection was in before; the vendor cannot be asked in that mode.
    `excepted` is whether the person is left out at this vendor. `held` is what the vendor answered,
    None when it was not asked.
    """

    vendor: str
    mode: str
    current: bool
    sent: bool
    has: Held
    planned: str | None
    stopped: bool
    refusal: VendorRefusal | None
    excepted: bool = False
    held: tuple[VendorResourceView, ...] | None = None


def at_vendors(ctx: RequestContext, directory: TenantDirectory, user_id: str) -> list[AtVendor]:
    """Return what is known of the person at each vendor, also what is left from another mode."""
    external_id = Ids(ctx.tenant_id).user(user_id)
    fresh = not updated_since(ctx, directory.directory_snapshot.read)
    ledgers = [key for key, _n, _refused in ctx.store.ledgers(ctx.tenant_id)]
    found = []
    for connection in ctx.tenant.connections:
        current = ledger_key(ctx.tenant_id, connection)
        others = [k for k in ledgers if k.vendor == connection.vendor and k != current]
        for key in (*([current] if current else []), *others):
            entries, refusals = _ledger(ctx, directory, key)
            has = entries.get(external_id, "no")
            if key != current and has == "no":
                continue
            view = (
                directory.prepared.vendor_rosters.get(connection.vendor) if key == current else None
            )
            next_run = (
                directory.planned(connection.vendor, ctx.newest_run) if key == current else None
            )
            planned = _planned(ctx, directory, connection.vendor).get(external_id, "")
            found.append(
                AtVendor(
                    vendor=connection.vendor,
                    mode=key.mode,
                    current=key == current,
                    sent=view is not None and user_id in view.people,
                    has=has,
                    planned=planned if fresh and key == current else None,
                    stopped=next_run is not None and next_run.hold is not None,
                    refusal=refusals.get(external_id),
                    excepted=key == current and user_id in connection.exceptions.users,
                )
            )
    return found


def _ledger(
    ctx: RequestContext, directory: TenantDirectory, key: LedgerKey
) -> tuple[dict[str, Held], dict[str, VendorRefusal]]:
    """Return the people that the vendor has by the ledger, and its refusals, both by id."""
    store = ctx.store

    def look() -> tuple[dict[str, Held], dict[str, VendorRefusal]]:
        ledger = store.ledger(key)
        return (
            {i: _held(entry) for i, entry in ledger.entries["User"].items()},
            {
                i: VendorRefusal(
                    f"{r.status} {r.detail}".strip(), refusal_remedy("User", r.status, r.detail)
                )
                for kind, i, r in ledger.refused()
                if kind == "User"
            },
        )

    return directory.get_or_compute(DirectoryResult.PEOPLE_AT_VENDOR, look, (key, ctx.newest_run))


def _held(entry: LedgerEntry) -> Held:
    """Return whether the vendor has what the ledger has an entry of.

    An entry is also of what was only about to be sent, of what is to be asked about, and of what
    was deleted a moment ago.
    """
    if entry.is_removed:
        return "no"
    return "unsure" if entry.is_pending else "yes"


def _planned(ctx: RequestContext, directory: TenantDirectory, vendor: str) -> dict[str, str]:
    """Return what the next run would do to each person at a vendor."""
    planned = directory.planned(vendor, ctx.newest_run)
    if planned is None:
        return {}
    plan = planned.plan
    return directory.get_or_compute(
        DirectoryResult.NEXT_RUN_OF_PEOPLE,
        lambda: {o.external_id: o.kind for o in plan.operations() if o.resource_type == "User"},
        (vendor, ctx.newest_run),
    )
