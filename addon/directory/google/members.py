"""Reads the members of single groups, as a whole reading does."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from addon.directory.google.reader import DirectorySource, open_queries
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
    with open_queries(tenant, source) as (queries, parallel, calls):

        def read(key: str) -> GroupMembers | None:
            group = queries.group(key)
            if group is None:
                return None
            members = queries.members(group.email, direct=group.direct_members or 0)
            return None if members is None else (group, members)

        started = {key: parallel.start(read, key) for key in groups}
        found = {key: parallel.result(each) for key, each in started.items()}
        return MembersRead(found, calls.count)
