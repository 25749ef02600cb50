"""users.list and users.get."""

from collections.abc import Callable, Mapping

from addon.sandbox.directory_api import search
from addon.sandbox.directory_api.errors import invalid, not_found
from addon.sandbox.directory_api.pages import Pages, listing
from addon.sandbox.directory_api.parameters import Parameters, choice, number, scope
from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON
from addon.sandbox.index_lag import IndexLag

_ORDERS: dict[str, Callable[[JSON], str]] = {
    "email": lambda user: str(user["primaryEmail"]),
    "familyName": lambda user: str(user["name"].get("familyName", "")).lower(),
    "givenName": lambda user: str(user["name"].get("givenName", "")).lower(),
}


def list_users(domain: Domain, pages: Pages, lag: IndexLag, parameters: Parameters) -> JSON:
    """Return a page of the requested users, as the index has them."""
    outdated = lag.outdated()
    show = _projection(parameters)
    size = number(parameters, "maxResults", 100, 500)
    of_domain = scope(domain, parameters)
    users, token = pages.page(
        "users",
        parameters,
        size,
        domain.version * 1000 + len(outdated),
        lambda: _select(domain, of_domain, parameters, outdated),
    )
    return listing("users", "users", [show(user) for user in users], token)


def get_user(domain: Domain, key: str, parameters: Parameters) -> JSON:
    """Return the user with this id, address or alias."""
    show = _projection(parameters)
    user = domain.find_user(key)
    if user is None:
        raise not_found("userKey")
    return show(user)


def _select(
    domain: Domain,
    of_domain: str | None,
    parameters: Parameters,
    outdated: Mapping[str, JSON | None],
) -> list[JSON]:
    clauses = search.parse(parameters.get("query", ""))
    if choice(parameters, "showDeleted", ("false", "true")) == "true":
        users = list(domain.deleted.values())
    else:
        users = _as_indexed(domain, _candidates(domain, clauses), clauses, outdated)
    for clause in clauses:
        if clause.field != "orgUnitPath":
            test = search.user_test(clause)
            users = [user for user in users if test(user)]
    if of_domain is not None:
        users = [user for user in users if user["primaryEmail"].endswith(f"@{of_domain}")]
    return _ordered(users, parameters)


def _candidates(domain: Domain, clauses: list[search.SearchClause]) -> list[JSON]:
    """Return the users in all of the OUs that the clauses name; everyone if they name none."""
    users: list[JSON] | None = None
    for clause in clauses:
        if clause.field == "orgUnitPath":
            inside = domain.users_in(_org_unit_path(domain, clause))
            if users is not None:
                chosen = {user["id"] for user in inside}
                inside = [user for user in users if user["id"] in chosen]
            users = inside
    return list(domain.users.values()) if users is None else users


def _as_indexed(
    domain: Domain,
    users: list[JSON],
    clauses: list[search.SearchClause],
    outdated: Mapping[str, JSON | None],
) -> list[JSON]:
    """Return the users with those who are `outdated` as they were."""
    if not outdated:
        return users
    paths = [_org_unit_path(domain, each) for each in clauses if each.field == "orgUnitPath"]
    there = [
        before
        for before in outdated.values()
        if before is not None and all(_is_in(before, path) for path in paths)
    ]
    return [user for user in users if user["id"] not in outdated] + there


def _is_in(user: JSON, path: str) -> bool:
    return f"{user['orgUnitPath']}/".lower().startswith(f"{path.rstrip('/')}/".lower())


def _org_unit_path(domain: Domain, clause: search.SearchClause) -> str:
    if clause.operator != "=":
        raise invalid("query")
    unit = domain.find_org_unit(clause.value) if clause.value.startswith("/") else None
    if unit is None:
        raise invalid("INVALID_OU_ID")
    return str(unit["orgUnitPath"])


def _ordered(users: list[JSON], parameters: Parameters) -> list[JSON]:
    order = choice(parameters, "orderBy", ("", *_ORDERS))
    direction = choice(parameters, "sortOrder", ("ASCENDING", "DESCENDING"))
    if not order:
        return users
    return sorted(users, key=_ORDERS[order], reverse=direction == "DESCENDING")


def _projection(parameters: Parameters) -> Callable[[JSON], JSON]:
    """Return the function that selects what of a user is shown: no, some or all custom schemas."""
    projection = choice(parameters, "projection", ("basic", "custom", "full"))
    choice(parameters, "viewType", ("admin_view", "domain_public"))
    if projection == "full":
        return lambda user: user
    mask = parameters.get("customFieldMask", "")
    if (projection == "custom") != bool(mask):
        raise invalid("customFieldMask")
    wanted = set(mask.split(",")) - {""}
    return lambda user: _with_schemas(user, wanted)


def _with_schemas(user: JSON, wanted: set[str]) -> JSON:
    if "customSchemas" not in user:
        return user
    schemas = {name: value for name, value in user["customSchemas"].items() if name in wanted}
    shown = {key: value for key, value in user.items() if key != "customSchemas"}
    return {**shown, "customSchemas": schemas} if schemas else shown
