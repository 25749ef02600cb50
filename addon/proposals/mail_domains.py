"""Schools that the domains of their accounts name: eva@norraskolan.se."""

from collections.abc import Collection, Iterable, Iterator

from addon.directory.snapshot import User
from addon.proposals.names import read_name
from addon.proposals.places import Place
from addon.proposals.roles import RoleScope
from addon.tenants.model import Clause

_ALMOST_ALL = 0.9


def domain_places(
    scope: RoleScope, users: Collection[User], ignored: Collection[str]
) -> Iterator[tuple[Place, frozenset[str]]]:
    """The places that the domains of these users make, each with the ids of its people.

    The users are all of the scope. A domain that nearly everybody has names no school.
    """
    for domain, ids in _by_domain(users).items():
        name = read_name(domain.rpartition(".")[0].replace(".", " "), ignored)
        if not name.core or len(ids) > _ALMOST_ALL * len(users):
            continue
        clause = Clause(attribute="primaryEmail", operator="endsWith", value=f"@{domain}")
        place = Place(
            role=scope.role,
            names=(name,),
            org_units=scope.org_units,
            groups=scope.groups,
            clauses=(*scope.clauses, clause),
            people=len(ids),
        )
        yield place, frozenset(ids)


def _by_domain(users: Iterable[User]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for user in users:
        found.setdefault(user.primary_email.rpartition("@")[2].lower(), set()).add(user.id)
    return dict(sorted(found.items()))
