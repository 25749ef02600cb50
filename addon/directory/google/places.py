"""A digest of the OUs and groups that a tenant's selections need, to see that they have changed.

Google notifies of users only. A group is listed with its etag and its number of direct members.
"""

import json
from collections.abc import Collection
from contextlib import closing
from hashlib import blake2b

from addon.directory.google.client import DirectoryClient
from addon.directory.google.parallel import ParallelCalls
from addon.directory.google.queries import Queries
from addon.directory.google.quota import quota_of
from addon.directory.google.reader import DirectorySource
from addon.directory.google.responses import GroupAnswer
from addon.directory.google.retry import RetryingCaller
from addon.directory.scope import ReadScope, scope_of
from addon.tenants.model import Tenant
from addon.text import fold

COMPARED = ("id", "email", "name", "aliases", "directMembersCount", "etag")


def places_digest(tenant: Tenant, source: DirectorySource) -> bytes:
    """Return the digest of the OUs and groups now. Raises DirectoryError and AccessRefused."""
    wanted = scope_of(tenant)
    quota = quota_of(source.endpoint, tenant.customer_id, tenant.delegated_admin)
    with (
        closing(DirectoryClient(source.credentials, source.endpoint, source.timeout)) as service,
        ParallelCalls(source.threads, service.interrupt) as parallel,
    ):
        calls = RetryingCaller(source.retry_policy, quota, parallel.stopped)
        queries = Queries(service, calls, tenant.customer_id, (), lambda users, groups: None)
        units_read = parallel.start(queries.org_units)
        named = dict.fromkeys(fold(a) for a in (*wanted.groups, *wanted.protected_groups))
        if wanted.list_groups:
            listed = parallel.result(parallel.start(queries.group_states))
            groups = [raw for answer, raw in listed if _is_needed(answer, wanted, named.keys())]
        else:
            reads = [parallel.start(queries.group_state, address) for address in named]
            groups = [parallel.result(each) for each in reads]
        units = parallel.result(units_read).found
    compared = [
        sorted([unit.org_unit_id, unit.org_unit_path, unit.name or ""] for unit in units),
        sorted(json.dumps([group.get(key) for key in COMPARED]) for group in groups),
    ]
    return blake2b(json.dumps(compared).encode(), digest_size=16).digest()


def _is_needed(answer: GroupAnswer, wanted: ReadScope, named: Collection[str]) -> bool:
    addresses = (answer.email, *(answer.aliases or ()))
    return any(fold(each) in named or wanted.wanted(each) for each in addresses)
