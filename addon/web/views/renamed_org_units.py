"""The answer to whether an OU has been renamed or moved, asked on the page Spärrar."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, request, url_for
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.proposals.renamed_org_unit import with_renamed_org_unit
from addon.sync.known_places import path_key
from addon.tenants.diff import Changed, changes
from addon.tenants.model import Tenant
from addon.web.directory.cache import TenantDirectory
from addon.web.formats import listed
from addon.web.presenters.renamed_org_units import (
    RenamedOrgUnit,
    paths_there,
    renamed_org_units,
)
from addon.web.request_context import EditConflict, request_context
from addon.web.translation import gettext_str as _


class RenameQuestion(Struct, frozen=True):
    """Whether an OU has another name or place now, and what a yes changes in the document."""

    renamed: RenamedOrgUnit
    changes: tuple[Changed, ...]


bp = Blueprint("renamed_org_units", __name__)


@bp.post("/sparrar/namn")
def accept() -> AnyResponse:
    """Save that an OU is another now, everywhere that the document names it."""
    ctx = request_context()
    ctx.wait_longer()
    directory, asked = ctx.directory, (request.form.get("old"), request.form.get("new"))
    found = next((r for r in renamed_org_units(directory) if (r.old, r.new) == asked), None)
    if found is None:
        flash(_("Frågan gäller inte längre. Inget är ändrat."), "warning")
        return redirect(url_for("holds.page"))
    try:
        ctx.save(
            "org-unit.renamed",
            _renaming(directory, found),
            subject=found.new,
            part=rules_with_paths,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict:
        told = _("Någon har ändrat urval eller regler under tiden. Kontrollera och svara igen.")
        flash(told, "warning")
        return redirect(url_for("holds.page"))
    names = ctx.tenant.unit_names
    where = listed(names[code] for code in found.units if code in names)
    flash(_("Sparat: %(new)s gäller nu för %(units)s.", new=found.new, units=where))
    if ctx.holds:
        flash(_("Nästa körning räknar om spärren. Du behöver inte svara på den."))
    return redirect(url_for("holds.page"))


def rules_with_paths(tenant: Tenant) -> object:
    """Return the part of the document that names OUs."""
    return tenant.school_units, tenant.protected


def questions_of(directory: TenantDirectory) -> tuple[RenameQuestion, ...]:
    """Return what to ask, with what a yes changes. Raises StillComputing."""
    tenant = directory.tenant
    return tuple(
        RenameQuestion(each, found)
        for each in renamed_org_units(directory)
        if (found := changes(tenant, _renaming(directory, each)(tenant)))
    )


def _renaming(directory: TenantDirectory, found: RenamedOrgUnit) -> Callable[[Tenant], Tenant]:
    there = paths_there(directory)
    return lambda tenant: with_renamed_org_unit(
        tenant, found.old, found.new, lambda path: path_key(path) in there
    )
