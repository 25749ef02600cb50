"""The tenant document: export and import."""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from addon.changes import changes
from addon.document import DocumentError, decode_tenant, write_document
from addon.faults import Fault
from addon.tenant import Tenant
from addon.web.here import Here, Overtaken, here, mark_of

LARGEST = 5_000_000
"""Bytes of a document: ten times that of 300 units."""


def blueprint() -> Blueprint:
    """The page's endpoints."""
    document = Blueprint("document", __name__)

    @document.get("/installningar/dokument")
    def page() -> str:
        """All settings in one file."""
        return _page(here())

    @document.get("/installningar/dokument.json")
    def export() -> Response:
        """The document as a file."""
        now = here()
        return Response(
            write_document(now.tenant),
            mimetype="application/json",
            headers={
                "Content-Disposition": f'attachment; filename="skolsynk-{now.tenant_id}.json"'
            },
        )

    @document.post("/installningar/dokument")
    def import_() -> str | AnyResponse | tuple[str, int]:
        """Check a file whole and show what it would change; then, confirmed, keep it."""
        request.max_content_length = LARGEST
        now = here()
        text = request.form.get("text")
        file = request.files.get("file")
        data = file.read() if file is not None and file.filename else (text or "").encode()
        try:
            wanted = decode_tenant(data, now.vendors)
        except DocumentError as error:
            return _page(now, faults=error.faults), 400
        if wanted.customer_id != now.tenant_id:
            told = Fault("customerId", _("Filen är en annan organisations."))
            return _page(now, faults=[told]), 400
        if request.form.get("do") != "import":
            return _page(now, wanted=wanted, text=data.decode("utf-8-sig"))
        try:
            now.save(
                "document.imported",
                lambda tenant: wanted,
                part=lambda tenant: tenant,
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            again = data.decode("utf-8-sig")
            return _page(now, wanted=wanted, text=again, overtaken=overtaken), 409
        flash(_("Inställningarna är importerade."))
        return redirect(url_for("document.page"))

    return document


def _page(
    now: Here,
    faults: list[Fault] | None = None,
    wanted: Tenant | None = None,
    text: str = "",
    overtaken: Overtaken | None = None,
) -> str:
    stored = now.store_tenant()
    return render_template(
        "document/page.html",
        faults=faults or [],
        wanted=wanted,
        text=text,
        found=() if wanted is None else changes(stored, wanted),
        mark=mark_of(stored),
        overtaken=overtaken,
    )
