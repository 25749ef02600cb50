"""Readings that are thinned, emptied or short: nobody who is there is removed for them.

The directory is what the state says; a reading may lack any part of it. Asked about one account,
group or OU, the directory tells the truth, or nothing.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from addon.directory.evidence import all_unknown
from addon.directory.snapshot import Snapshot
from addon.sync.protected_set import release
from addon.sync.report import ConnectionReport
from addon.sync.run import sync
from tests.support.changing_tenant import ChangingTenant
from tests.support.directory_answers import answers_from
from tests.support.generated_tenant import GROUPS, PLACES, TENANT, State, held_at
from tests.trust.troubles import examples, many


class Oddity(NamedTuple):
    """What one reading lacks, and whether the directory answers when it is asked."""

    users: frozenset[int] = frozenset()
    org_units: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    without_members: frozenset[str] = frozenset()
    answers: bool = True

    def of(self, snapshot: Snapshot) -> Snapshot:
        """The reading that lacks it."""
        gone = {f"id{number}" for number in self.users}
        return structs.replace(
            snapshot,
            users=tuple(user for user in snapshot.users if user.id not in gone),
            org_units=tuple(u for u in snapshot.org_units if u.path not in self.org_units),
            groups=tuple(
                structs.replace(group, members=frozenset())
                if group.email.partition("@")[0] in self.without_members
                else group
                for group in snapshot.groups
                if group.email.partition("@")[0] not in self.groups
            ),
            missing_groups=tuple(f"{name}@edu.se" for name in sorted(self.groups)),
        )


KIND = "own ids, filter"

oddities = st.builds(
    Oddity,
    users=st.frozensets(st.integers(0, 7)),
    org_units=st.frozensets(st.sampled_from(PLACES), max_size=3),
    groups=st.frozensets(st.sampled_from(GROUPS), max_size=3),
    without_members=st.frozensets(st.sampled_from(GROUPS), max_size=4),
    answers=st.booleans(),
)


def read_oddly(tenant: ChangingTenant, oddity: Oddity, after: float) -> ConnectionReport:
    """One run, so many seconds after the last, whose reading lacks something."""
    tenant.clock.advance(after)
    tenant.server.clear()
    snapshot = tenant.state.snapshot()
    context = structs.replace(
        tenant.sync_context(),
        read_directory=lambda document: oddity.of(snapshot),
        ask_directory=answers_from(lambda: snapshot) if oddity.answers else all_unknown,
    )
    return sync(context, TENANT).connections[0]


def taken_from(
    tenant: ChangingTenant, before: dict[str, dict[str, dict[str, object]]]
) -> list[str]:
    """What the vendor has lost of what it should hold, since `before`."""
    now, wanted = held_at(tenant.server), tenant.wanted
    lost = []
    for kind, resources in before.items():
        for external_id, body in resources.items():
            if external_id not in wanted[kind]:
                continue
            if external_id not in now[kind]:
                lost.append(f"{kind} {external_id} is gone")
                continue
            for reference in _references(body) & _references(wanted[kind][external_id]):
                if reference not in _references(now[kind][external_id]):
                    lost.append(f"{kind} {external_id} is without {reference}")
    return lost


def _references(body: object) -> set[str]:
    """Every value that a resource refers to."""
    if isinstance(body, dict):
        here = {str(body["value"])} if "$ref" in body else set()
        return here.union(*map(_references, body.values())) if body else here
    if isinstance(body, list):
        return set().union(*map(_references, body)) if body else set()
    return set()


@examples(12)
@given(first=many, second=many, odd=st.lists(oddities, min_size=1, max_size=3))
def test_nobody_who_is_there_is_removed_for_an_odd_reading(first, second, odd):
    with TemporaryDirectory() as folder, ChangingTenant(Path(folder), KIND) as tenant:
        tenant.change_to(State(first))
        assert tenant.run().status in ("delivered", "unchanged")
        tenant.change_to(State(second))
        for oddity in odd:
            before = held_at(tenant.server)
            read_oddly(tenant, oddity, after=100)
            assert not taken_from(tenant, before)
        for _ in range(4):
            tenant.clock.advance(700)
            tenant.run()
            release(tenant.sync_context(), TENANT)
        assert json.dumps(held_at(tenant.server), sort_keys=True) == json.dumps(
            tenant.wanted, sort_keys=True
        )
