"""What Google's lists lack for once is taken from nobody: each kind that others have reported."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
from msgspec import structs

from addon.sync.run import sync
from tests.support.changing_tenant import ChangingTenant
from tests.support.generated_tenant import GROUPS, PLACES, TENANT, Spot, State, held_at, with_spots
from tests.trust.odd_directory import QUESTIONS, OddReading

A7, A8, B7 = "/Elever/A/7A", "/Elever/A/8B", "/Elever/B/7A"
SMALL_SCHOOL = frozenset(range(7))
COURSES = frozenset(name for name in GROUPS if name.startswith("kurs-"))


def school() -> State:
    """Seven pupils at the small school B, fourteen at A, of whom some come by a group."""
    spots = {n: Spot(B7, groups=frozenset({"kurs-b-ma"})) for n in SMALL_SCHOOL}
    spots |= {n: Spot(A7 if n % 2 else A8, groups=frozenset({"kurs-a-ma"})) for n in range(7, 21)}
    spots |= {n: Spot("/Annat", groups=frozenset({"elever-a", "kurs-a-sv"})) for n in range(21, 25)}
    spots |= {25: Spot("/Personal/A", groups=frozenset({"kurs-a-ma"}))}
    return State(spots)


class Kind(NamedTuple):
    """A reading that lacks something, and the directory at that time, if it has changed."""

    reading: OddReading
    changes: Mapping[int, Spot] = MappingProxyType({})
    renamed: bool = False


KINDS = {
    "a pupil who moves between two selected OUs while each is asked on its own": Kind(
        OddReading(users=frozenset({7})), {7: Spot(B7, groups=frozenset({"kurs-a-ma"}))}
    ),
    "who is missing from one page for a moment": Kind(OddReading(users=frozenset({9, 25}))),
    "a school of 7 of which nobody is listed once": Kind(OddReading(users=SMALL_SCHOOL)),
    "all of a selected group that is not found once": Kind(
        OddReading(groups=frozenset({"elever-a"}))
    ),
    "4 of 14 whom a derived list leaves out": Kind(
        OddReading(members=frozenset(("kurs-a-ma", n) for n in range(7, 11)))
    ),
    "all teaching groups when their members come empty": Kind(OddReading(without_members=COURSES)),
    "most groups when the list gives a subset": Kind(OddReading(groups=COURSES - {"kurs-a-sv"})),
    "the groups of OUs that are renamed during the reading": Kind(
        OddReading(late=frozenset({"orgUnits"})), renamed=True
    ),
    "an OU that the list of OUs lacks": Kind(OddReading(org_units=frozenset({A7}))),
    "a selected OU that the list of OUs lacks": Kind(
        OddReading(
            org_units=frozenset(p for p in PLACES if p.startswith("/Elever/B")), users=SMALL_SCHOOL
        )
    ),
    "everything": Kind(
        OddReading(
            users=frozenset(range(26)), org_units=frozenset(PLACES), groups=frozenset(GROUPS)
        )
    ),
}


@pytest.mark.parametrize("answered", [QUESTIONS, ()], ids=["asked", "no answers"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_lists_lack_for_once_is_taken_from_nobody(
    tmp_path: Path, kind: Kind, answered: tuple[type, ...]
) -> None:
    reading = kind.reading._replace(answered=frozenset(answered))
    with ChangingTenant(tmp_path, "own ids, filter") as tenant:
        before = school()
        tenant.change_to(before)
        tenant.run()
        tenant.change_to(with_spots(before, kind.changes, renamed=kind.renamed))
        had = held_at(tenant.server)
        tenant.clock.advance(3600)
        tenant.server.clear()
        context = structs.replace(
            tenant.sync_context(),
            read_directory=lambda document: reading.of(tenant.state, before),
            ask_directory=reading.answers(tenant.state),
        )
        sync(context, TENANT)
        now = held_at(tenant.server)
        assert "DELETE" not in {request.method for request in tenant.server.requests}
        for group, body in had["StudentGroup"].items():
            stays = {*_members(body)} & {*_members(tenant.wanted["StudentGroup"].get(group, {}))}
            assert stays <= {*_members(now["StudentGroup"][group])}
        tenant.clock.advance(3600)
        tenant.run()
        assert held_at(tenant.server) == tenant.wanted


def _members(group: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["value"] for each in group.get("studentMemberships", [])]
