"""The sandbox domain as a page to look at, in Swedish."""

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from addon.sandbox.domain import Domain
from addon.sandbox.google_shapes import JSON

_SHOWN = 1000
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2b33; background: #f6f7f8; margin: 0 }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem; background: #fff }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
ul { list-style: none; padding-left: 1.2rem; margin: 0 }
.count, .hint { color: #52636d } a { color: #0b57a4 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #dfe4e7 }
summary { cursor: pointer; padding: .2rem 0 }
"""


def directory_page(domain: Domain, query: Mapping[str, str]) -> str:
    """The page; `query` may name an `orgUnit` (path) or a `group` (address) to show."""
    name = domain.customer.get("postalAddress", {}).get("organizationName", "")
    title = f"{name or domain.customer['customerDomain']} – katalogen"
    return (
        f'<!doctype html><html lang="sv"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f"<p>Ett påhittat Google Workspace: {len(domain.users)} konton, {len(domain.groups)} "
        f"grupper och {len(domain.org_units)} organisationsenheter. "
        f'<a href="/">Hela katalogen</a></p>{_content(domain, query)}</main></body></html>'
    )


def _content(domain: Domain, query: Mapping[str, str]) -> str:
    if unit := domain.find_org_unit(query.get("orgUnit", "")) if "orgUnit" in query else None:
        return _one_org_unit(domain, unit)
    if group := domain.find_group(query.get("group", "")):
        return f"<h2>{escape(group['name'])}</h2>{_members(domain, group)}"
    return (
        f"<h2>Organisationsenheter</h2><ul>{_tree(domain)}</ul>"
        f"<h2>Personer</h2>{_people_by_org_unit(domain)}"
        f"<h2>Grupper</h2>{_groups(domain)}"
    )


def _tree(domain: Domain) -> str:
    """The OU tree with how many are in each OU, and in those below it."""
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
    words = f"{total}" if here == total else f"{total}, varav {here} direkt"
    return f'<span class="count">({words})</span>'


def _org_unit_link(unit: JSON) -> str:
    return f'<a href="/?orgUnit={quote(unit["orgUnitPath"], safe="")}">{escape(unit["name"])}</a>'


def _one_org_unit(domain: Domain, unit: JSON) -> str:
    path = unit["orgUnitPath"]
    below = "".join(f"<li>{_org_unit_link(each)}</li>" for each in domain.org_units_below(path))
    people = _people(domain.users_in(path)[:_SHOWN])
    return f"<h2>{escape(path)}</h2><ul>{below}</ul>{people}"


def _people_by_org_unit(domain: Domain) -> str:
    if len(domain.users) > _SHOWN:
        return '<p class="hint">Välj en organisationsenhet för att se personerna i den.</p>'
    units = sorted(domain.org_units.values(), key=lambda unit: str(unit["orgUnitPath"]))
    return "".join(
        f"<details><summary>{escape(unit['orgUnitPath'])} ({len(people)})</summary>"
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
            f'<span class="count">({group["directMembersCount"]})</span></li>'
            for group in groups
        )
        return f"<ul>{''.join(links)}</ul>"
    return "".join(
        f"<details><summary>{escape(group['name'])} – {escape(group['email'])} "
        f"({group['directMembersCount']})</summary>{_members(domain, group)}</details>"
        for group in groups
    )


def _members(domain: Domain, group: JSON) -> str:
    items = "".join(
        f"<li>{escape(member.get('email', 'Alla i organisationen'))} "
        f'<span class="count">{escape(member["role"].lower())}</span></li>'
        for member in domain.members_of(group["id"])
    )
    return f"<ul>{items}</ul>" if items else '<p class="hint">Inga medlemmar.</p>'
