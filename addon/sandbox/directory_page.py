"""A page in Swedish that shows the sandbox domain."""

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON
from addon.sandbox.page_style import html_page

_SHOWN = 1000
_ROLES = {"OWNER": "ägare", "MANAGER": "ansvarig", "MEMBER": ""}
_BACK = '<p><a href="/">Hela katalogen</a></p>'
_STYLE = "main > ul, .below { padding-left: 0 } .below { columns: 12rem; margin: .5rem 0 1rem }"


def directory_page(domain: Domain, query: Mapping[str, str]) -> str:
    """Return the page; `query` may name an `orgUnit` (path) or a `group` (address) to show."""
    name = domain.customer.get("postalAddress", {}).get("organizationName", "")
    title = f"{name or domain.customer['customerDomain']} – katalogen"
    return html_page(
        escape(title),
        _STYLE,
        f"<p>Ett påhittat Google Workspace med {len(domain.users)} konton, {len(domain.groups)} "
        f"grupper och {len(domain.org_units)} organisationsenheter. Ladda om sidan för att se "
        f"ändringar.</p>{_content(domain, query)}",
    )


def _content(domain: Domain, query: Mapping[str, str]) -> str:
    if unit := domain.find_org_unit(query.get("orgUnit", "")) if "orgUnit" in query else None:
        return _one_org_unit(domain, unit)
    if group := domain.find_group(query.get("group", "")):
        return f"{_BACK}<h2>{escape(group['name'])}</h2>{_members(domain, group)}"
    return (
        f"<h2>Organisationsenheter</h2><ul>{_tree(domain)}</ul>"
        f"<h2>Personer</h2>{_people_by_org_unit(domain)}"
        f"<h2>Grupper</h2>{_groups(domain)}"
    )


def _tree(domain: Domain) -> str:
    """Return the OU tree with the number of users in each OU, and in those below it."""
    children: dict[str, list[JSON]] = {}
    for unit in domain.org_units.values():
        children.setdefault(unit.get("parentOrgUnitId", ""), []).append(unit)

    def branch(unit: JSON) -> tuple[str, int]:
        below = sorted(children.get(unit["orgUnitId"], ()), key=lambda each: str(each["name"]))
        branches = [branch(each) for each in below]
        here = len(domain.users_directly_in(unit["orgUnitPath"]))
        total = here + sum(count for _, count in branches)
        inside = "".join(html for html, _ in branches)
        nested = f"<ul>{inside}</ul>" if inside else ""
        return f"<li>{_org_unit_link(unit)} {_count(here, total)}{nested}</li>", total

    return "".join(branch(root)[0] for root in children.get("", ()))


def _count(here: int, total: int) -> str:
    words = f"{total}" if here in (0, total) else f"{total}, varav {here} direkt"
    return f"<small>{words}</small>"


def _org_unit_link(unit: JSON) -> str:
    return f'<a href="/?orgUnit={quote(unit["orgUnitPath"], safe="")}">{escape(unit["name"])}</a>'


def _one_org_unit(domain: Domain, unit: JSON) -> str:
    path = unit["orgUnitPath"]
    found = sorted(domain.org_units_below(path), key=lambda each: str(each["orgUnitPath"]))
    below = "".join(f"<li>{_org_unit_link(each)}</li>" for each in found)
    people = _people(domain.users_in(path)[:_SHOWN])
    return f'{_BACK}<h2>{escape(path)}</h2><ul class="below">{below}</ul>{people}'


def _people_by_org_unit(domain: Domain) -> str:
    if len(domain.users) > _SHOWN:
        return '<p class="soft">Välj en organisationsenhet för att se personerna i den.</p>'
    units = sorted(domain.org_units.values(), key=lambda unit: str(unit["orgUnitPath"]))
    return "".join(
        f"<details><summary>{escape(unit['orgUnitPath'])} <small>{len(people)}</small></summary>"
        f"{_people(people)}</details>"
        for unit in units
        if (people := domain.users_directly_in(unit["orgUnitPath"]))
    )


def _people(users: list[JSON]) -> str:
    rows = "".join(
        f"<tr><td>{escape(user['name']['fullName'])}</td><td>{escape(user['primaryEmail'])}</td>"
        f"<td>{escape(user['orgUnitPath'])}</td><td>{_state(user)}</td></tr>"
        for user in users
    )
    head = "<tr><th>Namn</th><th>Adress</th><th>Organisationsenhet</th><th>Konto</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _state(user: JSON) -> str:
    if user["suspended"]:
        return "avstängt"
    return "arkiverat" if user["archived"] else "aktivt"


def _groups(domain: Domain) -> str:
    groups = sorted(domain.groups.values(), key=lambda group: str(group["email"]))
    if len(groups) > _SHOWN:
        links = (
            f'<li><a href="/?group={quote(group["email"])}">{escape(group["email"])}</a> '
            f"<small>{group['directMembersCount']}</small></li>"
            for group in groups
        )
        return f"<ul>{''.join(links)}</ul>"
    return "".join(
        f"<details><summary>{escape(group['name'])} <small>{escape(group['email'])}, "
        f"{group['directMembersCount']}</small></summary>{_members(domain, group)}</details>"
        for group in groups
    )


def _members(domain: Domain, group: JSON) -> str:
    items = "".join(
        f"<li>{escape(member.get('email', 'Alla i organisationen'))} "
        f"<small>{_ROLES.get(member['role'], '')}</small></li>"
        for member in domain.members_of(group["id"])
    )
    return f"<ul>{items}</ul>" if items else '<p class="soft">Inga medlemmar.</p>'
