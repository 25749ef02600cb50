"""How the OUs and groups that a tenant's selections need look, to find whether they have changed.

Google notifies of users only. A group is listed with its etag and its number of direct members.
"""

import json
from collections.abc import Collection, Iterable
from hashlib import blake2b
from typing import Any

from addon.directory.google.reader import DirectorySource, open_queries
from addon.directory.google.responses import GroupAnswer
from addon.directory.places_seen import GroupSeen, PlacesSeen
from addon.directory.scope import ReadScope, scope_of
from addon.tenants.model import Tenant
from addon.text import fold

NAMES = ("id", "email", "name", "aliases")
MEMBERS = ("directMembersCount", "etag")


def see_places(tenant: Tenant, source: DirectorySource) -> PlacesSeen:
    """Return how the OUs and groups look now. Raises DirectoryError and AccessRefused."""
    wanted = scope_of(tenant)
    with open_queries(tenant, source) as (queries, parallel, _):
        units_read = parallel.start(queries.org_units)
        named = dict.fromkeys(fold(a) for a in (*wanted.groups, *wanted.protected_groups))
        if wanted.list_groups:
            listed = parallel.result(parallel.start(queries.group_states))
            groups = [raw for answer, raw in listed if _is_needed(answer, wanted, named.keys())]
        else:
            reads = [parallel.start(queries.group_state, address) for address in named]
            groups = [parallel.result(each) for each in reads]
        units = parallel.result(units_read).found
    return PlacesSeen(
        _digest(sorted([u.org_unit_id, u.org_unit_path, u.name or ""] for u in units)),
        {
            str(group.get("id", "")): GroupSeen(_of(group, NAMES), _of(group, MEMBERS))
            for group in groups
        },
    )


def _is_needed(answer: GroupAnswer, wanted: ReadScope, named: Collection[str]) -> bool:
    addresses = (answer.email, *(answer.aliases or ()))
    return any(fold(each) in named or wanted.wanted(each) for each in addresses)


def _of(group: dict[str, Any], keys: Iterable[str]) -> bytes:
    return _digest([group.get(key) for key in keys])


def _digest(value: object) -> bytes:
    return blake2b(json.dumps(value).encode(), digest_size=8).digest()
