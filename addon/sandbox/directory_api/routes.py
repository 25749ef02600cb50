"""The routes of the API: the method that each path calls."""

import re
from collections.abc import Callable
from urllib.parse import unquote

from addon.sandbox.directory_api import partial
from addon.sandbox.directory_api.customer import (
    get_customer,
    get_org_unit,
    list_domains,
    list_org_units,
)
from addon.sandbox.directory_api.errors import DirectoryApiError
from addon.sandbox.directory_api.groups import get_group, has_member, list_groups, list_members
from addon.sandbox.directory_api.pages import Pages
from addon.sandbox.directory_api.parameters import Parameters
from addon.sandbox.directory_api.users import get_user, list_users
from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON
from addon.sandbox.index_lag import IndexLag

PREFIX = "/admin/directory/v1/"

Method = Callable[[list[str], Parameters], JSON]


class DirectoryApi:
    """The API over a domain."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._pages = Pages()
        self._lag = IndexLag(domain)
        self._routes: list[tuple[re.Pattern[str], str, Method]] = [
            (re.compile(pattern), kind, method) for pattern, kind, method in self._methods()
        ]

    def answer(self, path: str, parameters: Parameters) -> JSON:
        """Return the response to GET of this path (still percent-encoded).

        Raises DirectoryApiError.
        """
        for pattern, kind, method in self._routes:
            if found := pattern.fullmatch(path.removeprefix(PREFIX)):
                return self._partial(kind, method, list(map(unquote, found.groups())), parameters)
        raise DirectoryApiError(404, "Not Found", "notFound")

    def _partial(self, kind: str, method: Method, keys: list[str], parameters: Parameters) -> JSON:
        fields = parameters.get("fields", "")
        mask = partial.parse(fields, kind) if fields else None
        with self._domain.lock:
            answer: JSON = partial.keep(method(keys, parameters), mask)
        return answer

    def _methods(self) -> list[tuple[str, str, Method]]:
        domain, pages, lag = self._domain, self._pages, self._lag
        org_units = r"customer/([^/]+)/orgunits"
        return [
            (r"users", "users", lambda keys, q: list_users(domain, pages, lag, q)),
            (r"users/([^/]+)", "user", lambda keys, q: get_user(domain, keys[0], q)),
            (r"groups", "groups", lambda keys, q: list_groups(domain, pages, q)),
            (r"groups/([^/]+)", "group", lambda keys, q: get_group(domain, keys[0])),
            (
                r"groups/([^/]+)/members",
                "members",
                lambda keys, q: list_members(domain, pages, keys[0], q),
            ),
            (
                r"groups/([^/]+)/hasMember/([^/]+)",
                "hasMember",
                lambda keys, q: has_member(domain, keys[0], keys[1]),
            ),
            (org_units, "orgUnits", lambda keys, q: list_org_units(domain, keys[0], q)),
            (
                org_units + r"/+(.+)",
                "orgUnit",
                lambda keys, q: get_org_unit(domain, keys[0], keys[1]),
            ),
            (r"customers/([^/]+)", "customer", lambda keys, q: get_customer(domain, keys[0])),
            (
                r"customer/([^/]+)/domains",
                "domains",
                lambda keys, q: list_domains(domain, keys[0]),
            ),
        ]
