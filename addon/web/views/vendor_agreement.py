"""The data processing agreement with a vendor, noted before the first live delivery."""

from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.tenants.bounds import LONGEST_NAME
from addon.tenants.model import Agreement
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.views.vendor_common import connection_to, known_vendor, with_settings

bp = Blueprint("vendor_agreement", __name__)


class AgreementForm(Struct, frozen=True):
    """What was typed, with a fault by field."""

    reference: str = ""
    date: str = ""
    faults: dict[str, str] = {}


@bp.get("/leverantorer/<vendor>/avtal")
def page(vendor: str) -> str:
    """Show the agreement that is noted, to be noted or changed."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    agreement = connection_to(ctx.tenant, vendor).agreement
    form = AgreementForm()
    if agreement is not None:
        form = AgreementForm(agreement.reference, agreement.signed.isoformat())
    return _page(ctx, vendor, form)


@bp.post("/leverantorer/<vendor>/avtal")
def save(vendor: str) -> str | AnyResponse | tuple[str, int]:
    """Note the agreement, and who noted it; then go on to live mode if that is where it began."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    form, signed = _read()
    if signed is None or form.faults:
        return _page(ctx, vendor, form), 400
    noted = Agreement(reference=form.reference, signed=signed, noted_by=ctx.admin.email)
    try:
        ctx.save(
            "vendor.agreement",
            lambda tenant: with_settings(tenant, vendor, agreement=noted),
            subject=vendor,
            part=lambda tenant: connection_to(tenant, vendor).agreement,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _page(ctx, vendor, form, conflict), 409
    flash(_("Avtalet är antecknat."))
    if request.form.get("next") == "live":
        return redirect(url_for("vendor_mode.page", vendor=vendor, mode="live"))
    return redirect(url_for("vendor.page", vendor=vendor))


def _read() -> tuple[AgreementForm, date | None]:
    """Return what the form says, and its date when that is one."""
    reference = " ".join(request.form.get("reference", "").split())
    typed, faults, signed = request.form.get("date", "").strip(), dict[str, str](), None
    if not reference:
        faults["reference"] = _("Skriv avtalets beteckning, till exempel diarienumret.")
    elif len(reference) > LONGEST_NAME:
        faults["reference"] = _("Skriv högst %(most)s tecken.", most=LONGEST_NAME)
    try:
        signed = date.fromisoformat(typed)
    except ValueError:
        faults["date"] = _("Ange dagen då avtalet skrevs under, till exempel 2026-08-17.")
    return AgreementForm(reference, typed, faults), signed


def _page(
    ctx: RequestContext, vendor: str, form: AgreementForm, conflict: EditConflict | None = None
) -> str:
    return render_template(
        "vendor/agreement.html",
        vendor_id=vendor,
        profile=ctx.vendors[vendor],
        agreement=connection_to(ctx.tenant, vendor).agreement,
        form=form,
        next=request.values.get("next", ""),
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: connection_to(tenant, vendor).agreement),
    )
