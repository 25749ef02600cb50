"""Where a page is: its section of the menu, the pages above it, and its part of the help."""

from collections.abc import Mapping

from flask import Flask, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from msgspec import Struct

from addon.web.presenters.resource_names import full_name
from addon.web.request_context import RequestContext

MENU: Mapping[str, str] = {
    "overview": _("Översikt"),
    "school_units": _("Skolenheter"),
    "vendors": _("Leverantörer"),
    "people": _("Personer"),
    "data_quality": _("Datakvalitet"),
    "runs": _("Körningar"),
    "settings": _("Inställningar"),
}
"""The sections by blueprint, each with its page at the endpoint `page`."""

SECTIONS: Mapping[str, str] = {
    **{name: name for name in MENU},
    "rehearsal": "overview",
    "school_unit": "school_units",
    "selection": "school_units",
    "class_rules": "school_units",
    "shared_rule": "school_units",
    "student_group": "school_units",
    "school_register": "school_units",
    "proposals": "school_units",
    "proposal_answers": "school_units",
    "shared_trees": "school_units",
    "protected": "school_units",
    "vendor": "vendors",
    "vendor_agreement": "vendors",
    "vendor_letter": "vendors",
    "vendor_mode": "vendors",
    "vendor_withdrawal": "vendors",
    "preview": "vendors",
    "person": "people",
    "person_exceptions": "people",
    "person_now": "people",
    "holds": "runs",
    "renamed_org_units": "runs",
    "waiting_removals": "runs",
    "audit_log": "settings",
    "access_log": "settings",
    "processing": "settings",
    "tenant_document": "settings",
    "ending": "settings",
    "setup": "settings",
}
"""The section that each blueprint of pages is in."""

HELP: Mapping[str, str] = {
    "overview": "oversikt",
    "rehearsal": "terminsstart",
    "search": "oversikt",
    "school_units": "skolenheter",
    "school_unit": "skolenheter",
    "school_register": "skolenheter",
    "selection": "urval",
    "class_rules": "klasser",
    "shared_rule": "klasser",
    "student_group": "klasser",
    "proposals": "forslag",
    "proposal_answers": "forslag",
    "shared_trees": "forslag",
    "protected": "skyddade",
    "vendors": "leverantorer",
    "vendor": "leverantorer",
    "vendor_agreement": "leverantorer",
    "vendor_letter": "leverantorer",
    "vendor_mode": "leverantorer",
    "vendor_withdrawal": "leverantorer",
    "preview": "forhandsgranska",
    "people": "personer",
    "person": "personer",
    "person_exceptions": "personer",
    "person_now": "personer",
    "data_quality": "datakvalitet",
    "runs": "korningar",
    "holds": "sparrar",
    "renamed_org_units": "sparrar",
    "waiting_removals": "sparrar",
    "settings": "installningar",
    "audit_log": "installningar",
    "access_log": "installningar",
    "processing": "installningar",
    "tenant_document": "installningar",
    "ending": "avsluta",
    "setup": "borja",
}
"""The heading of the help page that is about each blueprint of pages."""


class Crumb(Struct, frozen=True):
    """A page above the one that is shown."""

    text: str
    address: str


def init_app(app: Flask) -> None:
    """Give the templates the menu, the pages above and the part of the help."""
    app.jinja_env.globals.update(
        menu=MENU, section=section, breadcrumbs=breadcrumbs, help_part=help_part
    )


def section() -> str:
    """Return the section of the menu that the page is in; empty for none."""
    if request.endpoint in ("setup.test", "setup.live"):
        return "vendors"
    return SECTIONS.get(request.blueprint or "", "")


def help_part() -> str:
    """Return the id of the heading on the help page that is about this page; empty for none."""
    return HELP.get(request.blueprint or "", "")


def breadcrumbs(ctx: RequestContext) -> tuple[Crumb, ...]:
    """Return the pages above this one, the highest first; none for a section's own page."""
    name = section()
    if not name or request.endpoint == f"{name}.page":
        return ()
    return (Crumb(str(MENU[name]), url_for(f"{name}.page")), *_between(ctx))


def _between(ctx: RequestContext) -> tuple[Crumb, ...]:
    """Return the pages between the section's own and this one."""
    given = request.view_args or {}
    blueprint, endpoint = request.blueprint, request.endpoint
    if SECTIONS.get(blueprint or "") == "school_units" and "code" in given:
        return () if endpoint == "school_unit.page" else _of_unit(ctx, given["code"])
    if SECTIONS.get(blueprint or "") == "vendors" and blueprint not in ("vendor", "preview"):
        if (vendor := given.get("vendor")) is None:
            return ()
        return (Crumb(ctx.vendor_name(vendor), url_for("vendor.page", vendor=vendor)),)
    if blueprint == "preview" and endpoint != "preview.page":
        return _of_preview(ctx, given)
    if endpoint == "person.at_vendor" or blueprint == "person_exceptions":
        return _of_person(ctx, given["user_id"])
    return ()


def _of_unit(ctx: RequestContext, code: str) -> tuple[Crumb, ...]:
    name = ctx.tenant.unit_names.get(code)
    return () if name is None else (Crumb(name, url_for("school_unit.page", code=code)),)


def _of_preview(ctx: RequestContext, given: Mapping[str, str]) -> tuple[Crumb, ...]:
    above = Crumb(gettext("Förhandsgranska"), url_for("preview.page"))
    if "user_id" not in given:
        return (above,)
    vendor = given["vendor"]
    return above, Crumb(ctx.vendor_name(vendor), url_for("preview.vendor", vendor=vendor))


def _of_person(ctx: RequestContext, user_id: str) -> tuple[Crumb, ...]:
    """Return the person's page by name; nothing while the directory is not there."""
    user = ctx.from_directory(lambda directory: directory.users.get(user_id))
    if user is None:
        return ()
    return (Crumb(full_name(user), url_for("person.page", user_id=user_id)),)
