"""The tenant document: export and import."""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from addon.bootstrap import raise_unless_own_reader
from addon.school_register.ownership import raise_unless_own_units, units_to_compare
from addon.tenants.diff import changes
from addon.tenants.document import DocumentError, decode_tenant, write_document
from addon.tenants.model import Tenant
from addon.validation import Fault
from addon.web.access_log import record_access
from addon.web.labels import LIST_FAULTS
from addon.web.presenters.document_errors import fault_text
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.security.admission import fault_of_list
from addon.web.views.vendor_common import people_there

SHOWN = 200
"""Maximum number of changes, and of faults, on the page."""


bp = Blueprint("tenant_document", __name__)
bp.add_app_template_filter(fault_text)


@bp.get("/installningar/dokument")
def page() -> str:
    """Show the export and import of all settings as one file."""
    return _page(request_context())


@bp.get("/installningar/dokument.json")
def export() -> Response:
    """Return the document as a file."""
    ctx = request_context()
    record_access("document.json")
    return Response(
        write_document(ctx.tenant),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="skolsynk-{ctx.tenant_id}.json"'},
    )


@bp.post("/installningar/dokument")
def import_() -> str | AnyResponse | tuple[str, int]:
    """Check a file and show what it would change; then, when confirmed, save it."""
    ctx, data = request_context(), _given()
    try:
        wanted = _checked(ctx, data)
    except DocumentError as error:
        return _page(ctx, faults=error.faults), 400
    text = data.decode("utf-8-sig")
    if request.form.get("do") != "import":
        return _page(ctx, wanted=wanted, text=text)
    try:
        ctx.save(
            "document.imported",
            lambda tenant: wanted,
            part=lambda tenant: tenant,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _page(ctx, wanted=wanted, text=text, conflict=conflict), 409
    flash(_("Inställningarna är importerade."))
    return redirect(url_for("tenant_document.page"))


def _given() -> bytes:
    """Return the uploaded file, or the text of the file that was checked."""
    file = request.files.get("file")
    if file is not None and file.filename:
        chosen: bytes = file.read()
        return chosen
    return request.form.get("text", "").encode()


def _checked(ctx: RequestContext, data: bytes) -> Tenant:
    """Return the document in the file.

    Raises DocumentError when it is invalid, another tenant's, or would shut out this
    administrator, or a super administrator whom this one may not shut out, or names a school
    unit of another organiser's.
    """
    if not data.strip():
        raise DocumentError([Fault("", _("Välj en fil först."))])
    wanted = decode_tenant(data, ctx.vendors)
    if wanted.customer_id != ctx.tenant_id:
        raise DocumentError([Fault("customerId", _("Filen hör till en annan organisation."))])
    if wanted.delegated_admin != ctx.tenant.delegated_admin:
        with ctx.waiting():
            raise_unless_own_reader(ctx.services.settings, wanted)
    before = None if ctx.is_new else ctx.tenant
    if units_to_compare(before, wanted):
        with ctx.waiting():
            raise_unless_own_units(ctx.services.register(), before, wanted)
    fault = fault_of_list(ctx.services, ctx.admin, ctx.tenant, wanted.administrators)
    if fault is not None:
        raise DocumentError([Fault("administrators", str(LIST_FAULTS[fault]))])
    return wanted


def _left(ctx: RequestContext, wanted: Tenant) -> dict[str, dict[str, int]]:
    """Return how many people, by mode, remain at each vendor that the document leaves out."""
    vendors = [c.vendor for c in ctx.tenant.connections if wanted.connection(c.vendor) is None]
    there = {vendor: people_there(ctx, vendor) for vendor in vendors}
    return {vendor: by_mode for vendor, by_mode in there.items() if by_mode}


def _page(
    ctx: RequestContext,
    faults: list[Fault] | None = None,
    wanted: Tenant | None = None,
    text: str = "",
    conflict: EditConflict | None = None,
) -> str:
    stored = ctx.tenant
    return render_template(
        "tenant_document/page.html",
        faults=faults or [],
        wanted=wanted,
        text=text,
        found=() if wanted is None else changes(stored, wanted),
        left={} if wanted is None else _left(ctx, wanted),
        mark=ctx.current_version_token(lambda tenant: tenant),
        conflict=conflict,
        shown=SHOWN,
    )
