"""Skyddade personuppgifter: who is never sent."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import ngettext
from msgspec import Struct, structs
from werkzeug.wrappers import Response as AnyResponse

from addon.directory.scope import topmost
from addon.sync.protected_set import protect, release
from addon.text import fold
from addon.web.access_log import record_access
from addon.web.directory.cache import DirectoryNotRead, TenantDirectory
from addon.web.directory.snapshot_store import ReadingState
from addon.web.forms.protected import ProtectedForm, dropped, protected_form, read_protected
from addon.web.htmx import asks_for_part
from addon.web.presenters import org_unit_tree
from addon.web.presenters.connection_status import delivered
from addon.web.presenters.groups import groups_alike, groups_shown
from addon.web.presenters.protected_suggestions import decline, proposed, undecided
from addon.web.presenters.protection import protection_view, release_token
from addon.web.presenters.setup_steps import setup_steps
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.translation import gettext_str as _

COLUMNS = ("protected",)


class ProtectionEffect(Struct, frozen=True):
    """What the form would change.

    `hidden` counts the people who could be sent and then could not, `at_vendors` those of them
    who are sent to a vendor now, and `known` those who are hidden already. `released` are places
    whose people could be sent again, `missing` places that the directory does not have.
    """

    hidden: int
    at_vendors: int
    known: int
    released: tuple[str, ...]
    missing: tuple[str, ...]


bp = Blueprint("protected", __name__)


@bp.get("/skyddade")
def page() -> str:
    """Ask which groups and OUs have people with protected identity."""
    ctx = request_context()
    form = protected_form(ctx.tenant.protected)
    if (state := _unreadable(ctx)) is not None:
        record_access("protected.page")
        return _unseen(ctx, form, state)
    ready = ctx.directory  # a page that waits shows nothing
    record_access("protected.page")
    new = undecided(ctx.store, ready, ctx.now)
    also = structs.replace(
        form,
        org_units=(*form.org_units, *(place for place in new if place.startswith("/"))),
        groups=(*form.groups, *(place for place in new if not place.startswith("/"))),
    )
    return _page(ctx, also, proposed=new)


@bp.post("/skyddade")
def save() -> AnyResponse | str | tuple[str, int]:
    """Save the form; or, with `do`, show what it would change."""
    ctx = request_context()
    ctx.wait_longer()
    if request.form.get("unseen") == "1":
        return _saved_unseen(ctx, _unreadable(ctx))
    form = read_protected(request.form, org_unit_tree.paths(ctx.directory))
    action = request.form.get("do", "")
    if action:
        return _shown(ctx, form, action)
    mark = request.form.get("mark", "")
    fault = _fault(ctx, form)
    if fault is not None and ctx.is_current(mark, lambda tenant: tenant.protected):
        return _page(ctx, form, faults=fault), 400
    offered = set(request.form.getlist("offered")) & set(proposed(ctx.directory))
    named = _people_in(ctx.directory, form)
    try:
        answer = _save(ctx, form, mark)
    except EditConflict as conflict:
        return _page(ctx, form, conflict=conflict), 409
    protect(ctx.store, ctx.tenant_id, named)
    kept = {fold(place) for place in (*form.org_units, *form.groups)}
    declined = (p for p in offered if fold(p) not in kept and not _is_below(p, form))
    decline(ctx.store, ctx.tenant_id, declined, ctx.now)
    return answer


@bp.get("/skyddade/under")
def under() -> str:
    """Return what is below a node of the tree, for a page that expands it."""
    ctx = request_context()
    columns = {"protected": ctx.tenant.protected.org_units}
    row = org_unit_tree.below(
        org_unit_tree.tree(ctx.directory), request.args.get("ou", ""), columns
    )
    if row is None:
        abort(404)
    return render_template(
        "parts/branch.html", row=row, columns=COLUMNS, under=url_for("protected.under")
    )


@bp.post("/skyddade/slapp")
def release_people() -> AnyResponse:
    """Release people whose protection has ended, so that they may be sent."""
    ctx = request_context()
    known, ticked = ctx.protection, set(request.form.getlist("user"))
    ids = known.releasable if request.form.get("who") == "all" else known.releasable & ticked
    if request.form.get("token") != release_token(known):
        flash(_("Vilka det gäller har ändrats sedan sidan visades. Kontrollera igen."), "warning")
    elif request.form.get("seen") != "1":
        flash(_("Kryssa för att du har kontrollerat det. Ingen är släppt."), "warning")
    elif not ids:
        flash(_("Kryssa för vilka som ska släppas."), "warning")
    else:
        number = release(ctx.sync_context, ctx.tenant_id, ids, ctx.admin.email)
        ctx.forget_directory()  # which was kept without them
        flash(
            ngettext(
                "%(num)s person är släppt och kan skickas vid nästa körning.",
                "%(num)s personer är släppta och kan skickas vid nästa körning.",
                number,
            )
        )
    back = "holds.page" if request.form.get("back") == "sparrar" else "protected.page"
    return redirect(url_for(back))


def _save(ctx: RequestContext, form: ProtectedForm, mark: str) -> AnyResponse:
    """Save the form and confirm it. Raises EditConflict."""
    wanted = form.protected()
    ctx.save(
        "protected.saved",
        lambda tenant: structs.replace(tenant, protected=wanted),
        part=lambda tenant: tenant.protected,
        version_token=mark,
    )
    if wanted.org_units or wanted.groups:
        flash(_("Sparat. De som finns där skickas inte till någon."))
    else:
        flash(_("Sparat. Ingen är angiven som skyddad."), "warning")
    walk = setup_steps(ctx.store, ctx.tenant, ctx.runs, ctx.vendors, ctx.now)
    step = None if walk.done else walk.current
    return redirect(url_for("protected.page" if step is None else step.endpoint))


def _unreadable(ctx: RequestContext) -> ReadingState | None:
    """Return the state of a failed reading; its cause may be what this page shows.

    Raises DirectoryNotRead when there is no directory for another reason, and StillComputing.
    """
    try:
        _directory = ctx.directory
    except DirectoryNotRead as error:
        if error.state is not None and error.state.status == "failed":
            return error.state
        raise
    return None


def _unseen(
    ctx: RequestContext,
    form: ProtectedForm,
    state: ReadingState,
    *,
    faults: dict[str, str] | None = None,
    conflict: EditConflict | None = None,
) -> str:
    """Show the page without the directory: what is protected can be removed, and more typed in."""
    return render_template(
        "protected/unseen.html",
        form=form,
        state=state,
        faults=faults or {},
        conflict=conflict,
        also={name: request.form.get(name, "") for name in ("also-ou", "also-group")},
        dropped=dropped(ctx.tenant.protected, form.protected()),
        mark=ctx.version_token(lambda tenant: tenant.protected),
        protection=protection_view(ctx.protection, ctx.vendor_name),
    )


def _saved_unseen(ctx: RequestContext, state: ReadingState | None) -> AnyResponse | tuple[str, int]:
    """Save a form shown without the directory; `state` is None when it can be read again."""
    ticks = read_protected(request.form, {})
    form = structs.replace(
        ticks,
        org_units=topmost((*ticks.org_units, *_lines("also-ou"))),
        groups=tuple(dict.fromkeys((*ticks.groups, *_lines("also-group")))),
    )
    fault = _fault(ctx, form) or {}
    if any(not path.startswith("/") for path in form.org_units):
        fault["also-ou"] = _("En organisationsenhet skrivs som /Skyddade, med snedstreck först.")
    if any("@" not in address for address in form.groups):
        fault["also-group"] = _("En grupp skrivs med sin adress, som skyddade@kommunen.se.")
    if fault:
        if state is None:
            named = {"also-ou": "enheter", "also-group": "grupper"}  # the fields of that page
            return _page(ctx, form, faults={named.get(k, k): v for k, v in fault.items()}), 400
        return _unseen(ctx, ticks, state, faults=fault), 400
    try:
        return _save(ctx, form, request.form.get("mark", ""))
    except EditConflict as conflict:
        if state is None:
            return _page(ctx, form, conflict=conflict), 409
        return _unseen(ctx, ticks, state, conflict=conflict), 409


def _is_below(place: str, form: ProtectedForm) -> bool:
    """Whether an OU above it is kept, so that it is protected anyway."""
    above = (f"{fold(path).rstrip('/')}/" for path in form.org_units)
    return fold(place).startswith(tuple(above))


def _lines(name: str) -> tuple[str, ...]:
    """Return the lines of a field."""
    return tuple(line.strip() for line in request.form.get(name, "").splitlines() if line.strip())


def _shown(ctx: RequestContext, form: ProtectedForm, action: str) -> str:
    """Return the page again, or only the part that the page asks for."""
    if not asks_for_part():
        return _page(ctx, form, opened=action.removeprefix("open:"))
    if action == "groups":
        return render_template("parts/groups.html", **_groups_of(ctx.directory, form))
    return render_template("protected/preview.html", form=form, effect=_effect(ctx, form))


def _fault(ctx: RequestContext, form: ProtectedForm) -> dict[str, str] | None:
    """Return what must be corrected before the form can be saved."""
    if any(not path.strip("/") for path in form.org_units):
        told = _("Hela organisationen kan inte vara skyddad, för då skickas ingen alls.")
        return {"enheter": told}
    if dropped(ctx.tenant.protected, form.protected()) and not form.accepted:
        return {"accepted": _("Kryssa för att du har sett vilka som kan skickas igen.")}
    return None


def _page(
    ctx: RequestContext,
    form: ProtectedForm,
    *,
    proposed: tuple[str, ...] = (),
    faults: dict[str, str] | None = None,
    conflict: EditConflict | None = None,
    opened: str = "",
) -> str:
    top = org_unit_tree.tree(ctx.directory)
    ticks = {"protected": form.org_units}
    rows = org_unit_tree.rows(top, ticks, (opened,) if opened else ())
    return render_template(
        "protected/page.html",
        rows=rows[1:],  # nobody can be sent anywhere if the whole organisation is protected
        proposed=proposed,
        offered=request.form.getlist("offered") if request.method == "POST" else proposed,
        absent=org_unit_tree.absent(top, form.org_units),
        known=len(ctx.directory.index.protected),
        saved=ctx.tenant.protected,
        saved_groups={
            each: ctx.directory.index.named(each) for each in ctx.tenant.protected.groups
        },
        faults=faults or {},
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: tenant.protected),
        under=url_for("protected.under"),
        effect=_effect(ctx, form),
        protection=protection_view(ctx.protection, ctx.vendor_name),
        **_groups_of(ctx.directory, form),
    )


def _groups_of(directory: TenantDirectory, form: ProtectedForm) -> dict[str, object]:
    found = groups_alike(directory, form.search, form.groups)
    return {
        "form": form,
        "columns": COLUMNS,
        "ticked": {"protected": form.groups},
        "counted": False,  # people who are protected already are not counted
        "otherwise": _("Finns de skyddade i en grupp? Sök upp den här."),
        "action": url_for("protected.save"),
        **groups_shown(directory, form.groups, found),
    }


def _effect(ctx: RequestContext, form: ProtectedForm) -> ProtectionEffect:
    directory, index = ctx.directory, ctx.directory.index
    hidden = _people_in(directory, form)
    views = directory.prepared.vendor_rosters
    carried = [
        views[c.vendor].people for c in delivered(ctx.store, ctx.tenant) if c.vendor in views
    ]
    sent = {user_id for people in carried for user_id in people}
    top = org_unit_tree.tree(directory)
    return ProtectionEffect(
        hidden=len(hidden),
        at_vendors=len(hidden & sent),
        known=len(index.protected),
        released=dropped(ctx.tenant.protected, form.protected()),
        missing=(
            *org_unit_tree.absent(top, form.org_units),
            *(address for address in form.groups if index.named(address) is None),
        ),
    )


def _people_in(directory: TenantDirectory, form: ProtectedForm) -> set[str]:
    """Return the ids of the people in the form's places who are not protected already."""
    found: set[str] = set()
    for path in form.org_units:
        found |= directory.index.in_org_unit(path)
    for address in form.groups:
        found |= directory.index.in_group(address)
    return found
