"""Who belongs to a unit: OUs and groups to tick, filters to build, and whom they reach."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.proposals.suggestions import Suggestion, suggested_values
from addon.proposals.vocabulary import Role
from addon.tenants.model import SchoolUnit, Tenant
from addon.web.directory.cache import Desk
from addon.web.forms.filters import OPERATORS
from addon.web.forms.selection import ROLES, RoleForm, SelectionForm, read_selection, selection_form
from addon.web.presenters import org_unit_tree
from addon.web.presenters.delivered import delivered
from addon.web.presenters.groups import groups_named, groups_shown, telling_word
from addon.web.presenters.selection_preview import Outcome, attributes, outcome
from addon.web.request_context import Here, Overtaken, here, mark_of, with_unit
from addon.web.views.school_unit import stored_unit, unit_of

VALUES = 15
"""Values of an attribute that are suggested."""
OF_ONE_PERSON = frozenset({"id", "primaryEmail", "name.givenName", "name.familyName"})
"""Attributes whose values tell people apart, so that there is nothing to suggest."""


def blueprint() -> Blueprint:
    """The selection of one unit."""
    selection = Blueprint("selection", __name__)

    @selection.get("/skolenheter/<code>/urval")
    def page(code: str) -> str:
        """Who belongs here?"""
        now = here()
        unit = unit_of(now, code)
        return _page(now, unit, selection_form(unit))

    @selection.post("/skolenheter/<code>/urval")
    def save(code: str) -> AnyResponse | str | tuple[str, int]:
        """Keep the selection; or, with `do`, show what the form would give."""
        now = here()
        now.wait_longer()
        unit = unit_of(now, code)
        form = read_selection(request.form, org_unit_tree.paths(now.desk))
        deed = request.form.get("do", "")
        if deed:
            return _shown(now, unit, form, deed)
        if form.faults:
            return _page(now, unit, form, faults=form.faults), 400
        # A regular expression that takes too long is found here, before anything is kept.
        if _asks(now, _outcome(now, unit, form)) and not _is_accepted(form):
            told = {"accepted": _("Kryssa för att du har sett vilka som tas bort.")}
            return _page(now, unit, form, faults=told), 400
        wanted = {"students": form.students.selector(), "staff": form.staff.selector()}
        try:
            now.save(
                "unit.saved",
                lambda tenant: with_unit(tenant, code, **wanted),
                subject=code,
                part=lambda tenant: _part(tenant, code),
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            return _page(now, unit, form, overtaken=overtaken), 409
        flash(_("Urvalet för %(unit)s är sparat.", unit=unit.name))
        return redirect(url_for("unit.page", code=code))

    @selection.get("/skolenheter/<code>/urval/under")
    def under(code: str) -> str:
        """What is below a node of the tree, for a page that opens it."""
        now = here()
        unit = unit_of(now, code)
        columns = _columns(selection_form(unit))
        row = org_unit_tree.below(org_unit_tree.tree(now.desk), request.args.get("ou", ""), columns)
        if row is None:
            abort(404)
        action = url_for("selection.under", code=code)
        return render_template("parts/branch.html", row=row, columns=ROLES, under=action)

    return selection


def _part(tenant: Tenant, code: str) -> object:
    unit = stored_unit(tenant, code)
    return None if unit is None else (unit.students, unit.staff)


def _columns(form: SelectionForm) -> dict[str, tuple[str, ...]]:
    """What is ticked in the tree, by column."""
    return {role: form.of(role).org_units for role in ROLES}


def _shown(now: Here, unit: SchoolUnit, form: SelectionForm, deed: str) -> str:
    """The page after a button that changes the form, or only the part that the page asks for."""
    form = form.after(deed)
    if request.headers.get("HX-Request") != "true":
        return _page(now, unit, form, opened=deed.removeprefix("open:"))
    if deed == "show":
        return render_template("selection/outcome.html", **_outcome_of(now, unit, form))
    if deed == "groups":
        return render_template("parts/groups.html", form=form, **_groups_of(now, form, unit))
    role, _colon, _deed = deed.partition(":")
    if role not in ROLES:
        abort(400)
    return render_template(
        "selection/filters.html",
        role=role,
        swapped=True,
        **_outcome_of(now, unit, form),
        **_filters_of(now, form),
    )


def _page(
    now: Here,
    unit: SchoolUnit,
    form: SelectionForm,
    *,
    faults: dict[str, str] | None = None,
    overtaken: Overtaken | None = None,
    opened: str = "",
) -> str:
    top = org_unit_tree.tree(now.desk)
    columns = _columns(form)
    return render_template(
        "selection/page.html",
        rows=org_unit_tree.rows(top, columns, (opened,) if opened else ()),
        absent={role: org_unit_tree.absent(top, columns[role]) for role in ROLES},
        faults=faults or {},
        overtaken=overtaken,
        mark=now.mark(lambda tenant: _part(tenant, unit.code)),
        under=url_for("selection.under", code=unit.code),
        read=now.desk.survey.read,
        **_outcome_of(now, unit, form),
        **_filters_of(now, form),
        **_groups_of(now, form, unit),
    )


def _outcome_of(now: Here, unit: SchoolUnit, form: SelectionForm) -> dict[str, object]:
    found = _outcome(now, unit, form)
    return {
        "unit": unit,
        "code": unit.code,
        "form": form,
        "outcome": found,
        "asks": _asks(now, found),
        "seen": _seen(form),
        "accepted": _is_accepted(form),
    }


def _outcome(now: Here, unit: SchoolUnit, form: SelectionForm) -> Outcome:
    students, staff = form.students.selector(), form.staff.selector()
    return outcome(now.desk, unit, students, staff, delivered(now))


def _asks(now: Here, found: Outcome) -> bool:
    """Whether somebody would be removed at a vendor, or be another there than they were."""
    return bool(found.removals or (found.turned.count and delivered(now)))


def _seen(form: SelectionForm) -> str:
    """What stands for a choice whose consequences are accepted; another one's are not."""
    return mark_of((form.students.selector(), form.staff.selector()))


def _is_accepted(form: SelectionForm) -> bool:
    return request.form.get("accepted") == _seen(form)


def _filters_of(now: Here, form: SelectionForm) -> dict[str, object]:
    used = [c.attribute for role in ROLES for f in form.of(role).filters for c in f if c.attribute]
    suggested = {role: _suggested(now.desk, role, form.of(role)) for role in ROLES}
    return {
        "attributes": attributes(now.desk, used),
        "operators": OPERATORS,
        "suggested": suggested,
        "roles": ROLES,
    }


def _suggested(desk: Desk, role: Role, form: RoleForm) -> dict[str, tuple[Suggestion, ...]]:
    """The values that the attributes in use have among those whom the ticked places reach."""
    index = desk.index
    wanted = {clause.attribute for clauses in form.filters for clause in clauses} - OF_ONE_PERSON
    if not wanted:
        return {}
    places = structs.replace(form, filters=()).selector()
    reached: set[str] = set()
    for path in places.org_units:
        reached |= index.in_org_unit(path)
    for address in places.groups:
        reached |= index.in_group(address)
    return {each: suggested_values(index, each, reached, VALUES) for each in wanted if each}


def _groups_of(now: Here, form: SelectionForm, unit: SchoolUnit) -> dict[str, object]:
    desk = now.desk
    chosen = tuple(dict.fromkeys((*form.students.groups, *form.staff.groups)))
    if form.search:
        found = groups_named(desk, form.search.split(), chosen)
    else:  # classes and teaching groups are found by rules, and add nobody
        made = {g.source_id for g in desk.prepared.roster.groups if g.source == "group"}
        found = [
            address
            for address in groups_named(desk, [telling_word(unit.name)], chosen)
            if (group := desk.index.named(address)) is None or group.id not in made
        ]
    return {
        "columns": ROLES,
        "ticked": {role: form.of(role).groups for role in ROLES},
        "counted": True,
        "otherwise": _("Inga grupper liknar skolenhetens namn."),
        "action": url_for("selection.page", code=unit.code),
        **groups_shown(desk, chosen, found),
    }
