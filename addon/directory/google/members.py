"""Reads the members of single groups, as a whole reading does."""

from collections.abc import Iterable, Mapping
from contextlib import closing

from msgspec import Struct

from addon.directory.google.client import DirectoryClient
from addon.directory.google.parallel import ParallelCalls
from addon.directory.google.queries import Queries
from addon.directory.google.quota import quota_of
from addon.directory.google.reader import DirectorySource
from addon.directory.google.retry import RetryingCaller
from addon.directory.protected import Members
from addon.directory.snapshot import Group
from addon.tenants.model import Tenant

GroupMembers = tuple[Group, Members]


class MembersRead(Struct, frozen=True):
    """Groups by id with their members, None for one that is not there, and the queries it took."""

    groups: Mapping[str, GroupMembers | None] = {}
    queries: int = 0


def read_members(tenant: Tenant, source: DirectorySource, groups: Iterable[str]) -> MembersRead:
    """Read groups by id: each itself, which tells how many members there are, and its members.

    Raises DirectoryError and AccessRefused.
    """
    quota = quota_of(source.endpoint, tenant.customer_id, tenant.delegated_admin)
    with (
        closing(DirectoryClient(source.credentials, source.endpoint, source.timeout)) as service,
        ParallelCalls(source.threads, service.interrupt) as parallel,
    ):
        calls = RetryingCaller(source.retry_policy, quota, parallel.stopped)
        queries = Queries(service, calls, tenant.customer_id, (), lambda users, groups: None)

        def read(key: str) -> GroupMembers | None:
            group = queries.group(key)
            if group is None:
                return None
            members = queries.members(group.email, direct=group.direct_members or 0)
            return None if members is None else (group, members)

        started = {key: parallel.start(read, key) for key in groups}
        found = {key: parallel.result(each) for key, each in started.items()}
        return MembersRead(found, calls.count)
