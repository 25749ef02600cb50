"""Urval: who belongs to a unit, by OUs and groups to tick and filters to build.

The form is read and checked in `addon.web.forms.selection`; `selection/page.html` shows it.
"""

from collections.abc import Mapping
from itertools import islice

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.proposals.exclusions import places_of_leavers
from addon.proposals.model import Proposal
from addon.proposals.vocabulary import Role
from addon.roster.index import within
from addon.tenants.model import SchoolUnit, Selector, Tenant
from addon.text import path_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.forms.filters import OPERATORS
from addon.web.forms.selection import ROLES, RoleForm, SelectionForm, read_selection, selection_form
from addon.web.forms.unit_rules import KINDS, Rules, by_field, read_rules, rules_of_unit
from addon.web.htmx import asks_for_part
from addon.web.presenters import org_unit_tree
from addon.web.presenters.class_rules import Replacement
from addon.web.presenters.connection_status import delivered
from addon.web.presenters.filter_suggestions import Suggestion, suggested_values
from addon.web.presenters.groups import groups_alike, groups_named, groups_shown, telling_word
from addon.web.presenters.name_search import org_units_alike
from addon.web.presenters.proposal_rows import altered
from addon.web.presenters.proposals import accepted_selection, has_places, is_set_up
from addon.web.presenters.protected_suggestions import undecided
from addon.web.presenters.selection_preview import SelectionPreview, attributes, preview_selection
from addon.web.presenters.unit_rules import (
    replaced_groups,
    rule_choices,
    unit_as_edited,
    without_leavers,
)
from addon.web.request_context import (
    EditConflict,
    RequestContext,
    request_context,
    with_unit,
)
from addon.web.studied_proposals import decline_departures, study
from addon.web.version_token import value_hash
from addon.web.views.proposals import go_on, listed_codes, searched
from addon.web.views.school_unit import stored_unit, unit_of

VALUES = 15
"""Maximum number of suggested values of an attribute."""
PLACES = 200
"""Maximum number of OUs that are suggested as exceptions."""
OF_ONE_PERSON = frozenset({"id", "primaryEmail", "name.givenName", "name.familyName"})
"""Attributes whose values differ from person to person, so that none is suggested."""


bp = Blueprint("selection", __name__)


@bp.get("/skolenheter/<code>/urval")
def page(code: str) -> str:
    """Show who belongs to the unit."""
    ctx = request_context()
    unit = unit_of(ctx, code)
    proposal = proposal_for(ctx, unit)
    if proposal is None:
        return _page(ctx, unit, selection_form(unit), rules_of_unit(unit))
    filled = structs.replace(unit, **accepted_selection(unit, proposal))
    return _page(ctx, unit, selection_form(filled), rules_of_unit(filled), proposal=proposal)


@bp.post("/skolenheter/<code>/urval")
def save(code: str) -> AnyResponse | str | tuple[str, int]:
    """Save the selection; or, with `do`, show what the form would give."""
    ctx = request_context()
    ctx.wait_longer()
    unit = unit_of(ctx, code)
    directory = ctx.directory
    form = read_selection(request.form, org_unit_tree.paths(directory), directory.index.named)
    rules, faults = read_rules(request.form, unit)
    if not faults:
        rules = without_leavers(directory, unit, _edited(unit, form, rules))
    proposal = ctx.from_directory(lambda _directory: proposal_for(ctx, unit))
    action = request.form.get("do", "")
    if action == "rules":
        proposal = _with_rules_for(ctx, unit, form)
        return _page(ctx, unit, form, rules_of_unit(proposal.school_unit()), proposal=proposal)
    if action:
        return _shown(ctx, unit, form, rules, action, proposal)
    if found := form.faults | faults:
        return _page(ctx, unit, form, rules, faults=found, proposal=proposal), 400
    # A regular expression that takes too long raises here, before anything is saved.
    asks = _asks(ctx, _outcome(ctx, unit, form)) or _replaced(ctx, unit, form, rules)
    if asks and not _is_accepted(form, rules):
        told = {"accepted": _("Kryssa för att du har sett vilka som tas bort.")}
        return _page(ctx, unit, form, rules, faults=told, proposal=proposal), 400
    wanted: dict[Role, Selector] = {role: form.of(role).selector() for role in ROLES}
    before: list[str] = []
    unsure = False
    if _came_from_proposals():
        before = listed_codes(ctx, study(ctx))
        unsure = bool(undecided(ctx.store, directory, ctx.now))
    try:
        after = ctx.save(
            "unit.saved",
            lambda tenant: with_unit(tenant, code, **by_field(rules), **_by_field(wanted)),
            subject=code,
            part=lambda tenant: _part(tenant, code),
            version_token=request.form.get("mark", ""),
        )
    except EditConflict as conflict:
        return _page(ctx, unit, form, rules, conflict=conflict, proposal=proposal), 409
    if proposal is not None and any(map(has_places, wanted.values())):
        decline_departures(ctx, [(proposal, wanted)])
    if _came_from_proposals():
        return go_on(ctx, after, (code,), unsure, before)
    flash(_("Urvalet för %(unit)s är sparat.", unit=unit.name))
    return redirect(url_for("school_unit.page", code=code))


@bp.get("/skolenheter/<code>/urval/under")
def under(code: str) -> str:
    """Return what is below a node of the tree, for a page that expands it."""
    ctx = request_context()
    unit = unit_of(ctx, code)
    columns = _columns(selection_form(unit))
    row = org_unit_tree.below(
        org_unit_tree.tree(ctx.directory), request.args.get("ou", ""), columns
    )
    if row is None:
        abort(404)
    action = url_for("selection.under", code=code)
    return render_template("parts/branch.html", row=row, columns=ROLES, under=action)


def _came_from_proposals() -> bool:
    return request.values.get("fran") == "forslag"


def _by_field(selectors: Mapping[Role, Selector]) -> dict[str, object]:
    return {str(role): selector for role, selector in selectors.items()}


def proposal_for(ctx: RequestContext, unit: SchoolUnit) -> Proposal | None:
    """Return what is proposed for a unit that is not set up, or whose proposal is carried along.

    Raises DirectoryNotRead and StillComputing.
    """
    if is_set_up(unit) and request.values.get("forslag") != "1":
        return None
    proposal = study(ctx).by_code[unit.code]
    return proposal if has_places(proposal.students) or has_places(proposal.staff) else None


def _with_rules_for(ctx: RequestContext, unit: SchoolUnit, form: SelectionForm) -> Proposal:
    """Return a proposal with the form's selectors, and rules that fit whom they choose."""
    students, staff = form.students.selector(), form.staff.selector()
    index, bare = ctx.directory.index, Proposal(unit.code, unit.name, unit.municipality_code)
    bare = structs.replace(bare, school_types=unit.school_types)
    return ctx.directory.get_or_compute(
        DirectoryResult.PROPOSAL_ALTERED,
        lambda: altered(index, bare, students, staff),
        (unit.code, value_hash((students, staff))),
    )[0]


def _part(tenant: Tenant, code: str) -> object:
    unit = stored_unit(tenant, code)
    return None if unit is None else (unit.students, unit.staff, rules_of_unit(unit))


def _columns(form: SelectionForm) -> dict[str, tuple[str, ...]]:
    """Return what is ticked in the tree, by column."""
    return {role: form.of(role).org_units for role in ROLES}


def _shown(
    ctx: RequestContext,
    unit: SchoolUnit,
    form: SelectionForm,
    rules: Rules,
    action: str,
    proposal: Proposal | None,
) -> str:
    """Return the page after a button that changes the form, or only the part that is asked for."""
    form = form.after(action)
    if not asks_for_part():
        opened = action.removeprefix("open:")
        return _page(ctx, unit, form, rules, opened=opened, proposal=proposal)
    if action == "show":
        return render_template(
            "selection/preview.html", **_preview_of(ctx, unit, form, rules, proposal)
        )
    if action == "tree":
        tree = _tree_of(ctx, unit, form)
        return render_template("selection/tree.html", code=unit.code, columns=ROLES, **tree)
    if action == "groups":
        return render_template("parts/groups.html", form=form, **_groups_of(ctx, form, unit))
    role = action.partition(":")[0]
    if role not in ROLES:
        abort(400)
    return render_template(
        "selection/filters.html",
        role=role,
        swapped=True,
        **_preview_of(ctx, unit, form, rules, proposal),
        **_filters_of(ctx, form),
    )


def _page(
    ctx: RequestContext,
    unit: SchoolUnit,
    form: SelectionForm,
    rules: Rules,
    *,
    faults: dict[str, str] | None = None,
    conflict: EditConflict | None = None,
    opened: str = "",
    proposal: Proposal | None = None,
) -> str:
    return render_template(
        "selection/page.html",
        faults=faults or {},
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _part(tenant, unit.code)),
        read=ctx.directory.directory_snapshot.read,
        proposal=proposal,
        searched=searched() if _came_from_proposals() else None,
        kinds=KINDS,
        **_preview_of(ctx, unit, form, rules, proposal),
        **_filters_of(ctx, form),
        **_groups_of(ctx, form, unit),
        **_tree_of(ctx, unit, form, opened),
    )


def _tree_of(
    ctx: RequestContext, unit: SchoolUnit, form: SelectionForm, opened: str = ""
) -> dict[str, object]:
    """Return the tree of OUs, open where one is ticked, opened or found by the search."""
    top, columns = org_unit_tree.tree(ctx.directory), _columns(form)
    search = request.form.get("ou-search", "").strip()[:100]
    found = org_units_alike(ctx.directory, search)
    shown = [*filter(None, [opened]), *(path.rpartition("/")[0] for path in found)]
    return {
        "rows": org_unit_tree.rows(top, columns, shown),
        "absent": {role: org_unit_tree.absent(top, columns[role]) for role in ROLES},
        "under": url_for("selection.under", code=unit.code),
        "org_unit_search": search,
        "found_org_units": found,
    }


def _preview_of(
    ctx: RequestContext,
    unit: SchoolUnit,
    form: SelectionForm,
    rules: Rules,
    proposal: Proposal | None,
) -> dict[str, object]:
    found, edited = _outcome(ctx, unit, form), _edited(unit, form, rules)
    replaced = _replaced(ctx, unit, form, rules)
    return {
        "unit": unit,
        "code": unit.code,
        "form": form,
        "outcome": found,
        "rules": rule_choices(ctx.directory, unit, edited, proposal),
        "replaced": replaced,
        "leavers": {
            role: places_of_leavers(ctx.directory.index, form.of(role).selector()) for role in ROLES
        },
        "unit_names": ctx.tenant.unit_names,
        "asks": _asks(ctx, found) or bool(replaced),
        "seen": _seen(form, rules),
        "accepted": _is_accepted(form, rules),
    }


def _edited(unit: SchoolUnit, form: SelectionForm, rules: Rules) -> SchoolUnit:
    return unit_as_edited(unit, form.students.selector(), form.staff.selector(), rules)


def _outcome(ctx: RequestContext, unit: SchoolUnit, form: SelectionForm) -> SelectionPreview:
    students, staff = form.students.selector(), form.staff.selector()
    sent = delivered(ctx.store, ctx.tenant)
    return preview_selection(ctx.directory, unit, students, staff, sent, ctx.newest_run)


def _replaced(
    ctx: RequestContext, unit: SchoolUnit, form: SelectionForm, rules: Rules
) -> tuple[Replacement, ...]:
    edited = _edited(unit, form, rules)
    return replaced_groups(ctx.directory, ctx.vendors, ctx.newest_run, unit, edited)


def _asks(ctx: RequestContext, found: SelectionPreview) -> bool:
    """Whether somebody would be removed at a vendor, or change role there."""
    return bool(found.removals or (found.turned.count and delivered(ctx.store, ctx.tenant)))


def _seen(form: SelectionForm, rules: Rules) -> str:
    """Return a hash that identifies the selection whose consequences the administrator accepts."""
    return value_hash((form.students.selector(), form.staff.selector(), rules))


def _is_accepted(form: SelectionForm, rules: Rules) -> bool:
    return request.form.get("accepted") == _seen(form, rules)


def _filters_of(ctx: RequestContext, form: SelectionForm) -> dict[str, object]:
    used = [c.attribute for role in ROLES for f in form.of(role).filters for c in f if c.attribute]
    suggested = {role: _suggested(ctx.directory, role, form.of(role)) for role in ROLES}
    return {
        "attributes": attributes(ctx.directory, used),
        "operators": OPERATORS,
        "suggested": suggested,
        "roles": ROLES,
        "places": {role: _places(ctx.directory, form.of(role)) for role in ROLES},
    }


def _places(directory: TenantDirectory, form: RoleForm) -> tuple[str, ...]:
    """Return OUs below those that are ticked, and the ticked groups, to suggest as exceptions."""
    tops = [within(path) for path in form.org_units]
    below = (
        unit.path
        for key, unit in directory.index.org_units.items()
        if any(top(key) for top in tops) and unit.path not in form.org_units
    )
    return (*islice(sorted(below, key=path_key), PLACES), *form.groups)


def _suggested(
    directory: TenantDirectory, role: Role, form: RoleForm
) -> dict[str, tuple[Suggestion, ...]]:
    """Return values that the attributes in use have among the people of the ticked places."""
    index = directory.index
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


def _groups_of(ctx: RequestContext, form: SelectionForm, unit: SchoolUnit) -> dict[str, object]:
    directory = ctx.directory
    chosen = tuple(dict.fromkeys((*form.students.groups, *form.staff.groups)))
    if form.search:
        found = groups_alike(directory, form.search, chosen)
    else:  # classes and teaching groups are found by rules, and add nobody
        made = {g.source_id for g in directory.prepared.roster.groups if g.source == "group"}
        found = [
            address
            for address in groups_named(directory, [telling_word(unit.name)], chosen)
            if (group := directory.index.named(address)) is None or group.id not in made
        ]
    return {
        "columns": ROLES,
        "ticked": {role: form.of(role).groups for role in ROLES},
        "counted": True,
        "otherwise": _("Inga grupper liknar skolenhetens namn."),
        "action": url_for("selection.page", code=unit.code),
        **groups_shown(directory, chosen, found),
    }
