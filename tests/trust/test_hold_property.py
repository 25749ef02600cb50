"""Whatever is held: nothing is taken from anybody, and nobody new is kept away for it.

A directory and its document change, and every removal of a person is held. At each run that must be
held, whatever the vendor answers and wherever the process dies: what the vendor has it keeps, with
every place at a unit and in a class or group. When the vendor is well, it gets everybody new, and
the next run sends nothing.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.roster.select import select
from addon.sync.context import NotFoundError
from addon.sync.holds import record_approval
from addon.sync.protected_set import release
from tests.support.changing_tenant import ChangingTenant
from tests.support.crashes import Trouble
from tests.support.generated_tenant import TENANT, UNITS, Spot, State, held_at
from tests.trust.test_convergence import SHM
from tests.trust.troubles import Step, examples, many, plain_troubles, states, steps, troubles

NO_TROUBLE = Trouble()
KINDS = ["own ids, filter", "our ids, filter"]
PLACEMENTS = ["many", "one"]

Place = tuple[str, str, str]
"""A kind of place, whose it is and where, by externalId."""


@contextmanager
def limited_tenant(kind: str, placements: str) -> Iterator[ChangingTenant]:
    """A tenant whose limit holds every removal of a person."""
    place = SHM if SHM.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="trust-", dir=place) as folder,
        ChangingTenant(Path(folder), kind, limits=(0, 100), placements=placements) as tenant,
    ):
        yield tenant


def places(there: dict[str, dict[str, dict[str, Any]]]) -> set[Place]:
    """Everything that somebody may have: an account, an employment, and each place."""
    found = {(kind, i, "") for kind, bodies in there.items() for i in bodies}
    for body in there["User"].values():
        school = next((body[k] for k in body if k.endswith("User") and "enrolments" in body[k]), {})
        person, enrolments = body["externalId"], school.get("enrolments", ())
        found |= {("enrolment", person, each["value"]) for each in enrolments}
    for body in there["StudentGroup"].values():
        group = body["externalId"]
        found |= {("member", m["value"], group) for m in body.get("studentMemberships", ())}
    for body in there["Activity"].values():
        found |= {("teacher", t["value"], body["externalId"]) for t in body.get("teachers", ())}
    return found


def hidden(tenant: ChangingTenant) -> set[str]:
    """ExternalIds of those who are protected, or are so as far as is known, and their jobs."""
    codes = (*UNITS, "10000009")
    spots, known = tenant.state.spots.items(), tenant.store.protected_set(TENANT)
    users = {f"id{p}" for p, spot in spots if spot.place and spot.protected}
    users |= set() if known is None else known.hidden
    return {i for user in users for i in tenant._ids.of_person(user, codes)}


def must_be_held(tenant: ChangingTenant) -> bool:
    """Whether the vendor has somebody who is to be removed, and not because of protection."""
    there = {i for i, e in tenant.ledger.entries["User"].items() if not e.is_removed}
    return bool(there - tenant.wanted["User"].keys() - hidden(tenant))


def run(tenant: ChangingTenant, trouble: Trouble) -> None:
    """One run, held to the promise where it must be held."""
    before, is_held = places(held_at(tenant.server)), must_be_held(tenant)
    report = tenant.run(None if trouble == NO_TROUBLE else trouble)
    if not is_held:
        return
    gone, protected = before - places(held_at(tenant.server)), hidden(tenant)
    taken = {each for each in gone if each[1] not in protected}
    emptied = {group for kind, group, _ in gone if kind == "Activity"}
    assert not {each for each in taken if each[1] not in emptied}, taken
    if trouble == NO_TROUBLE:
        assert (report.status, report.failures) == ("held", ())


def pupils(tenant: ChangingTenant) -> set[str]:
    """ExternalIds of those who are pupils now, at whatever unit."""
    people = select(tenant.stored_tenant, tenant.state.snapshot()).people
    return {tenant._ids.user(user) for user, person in people.items() if person.enrolments}


def assert_new_people_came(tenant: ChangingTenant, placements: str, enrolled: set[str]) -> None:
    """All who should be at the vendor are, and where a vendor takes several, in their classes.

    Who is employed still, as the end of it is held, is in no class or group as a student, and who
    may be a pupil still, as one of those who were `enrolled`, is not employed.
    """
    found, wanted = held_at(tenant.server), tenant.wanted
    lacking = places(wanted) - places(found)
    assert not {each for each in lacking if each[0] in ("User", "SchoolUnit")}
    if placements == "many":
        employed = {each["user"]["value"] for each in found["Employment"].values()}
        students = [each for each in places(wanted) if each[0] == "member"]
        groups = {group for _, student, group in students if student not in employed}
        assert not {each for each in lacking if each[0] == "StudentGroup" and each[1] in groups}
        bodies = wanted["Employment"].values()
        new = {b["externalId"] for b in bodies if b["user"]["value"] not in enrolled}
        assert not {each for each in lacking if each[0] == "Employment" and each[1] in new}
        assert not {m for m in lacking if m[0] == "member" and m[1] not in employed}


@pytest.mark.parametrize("placements", PLACEMENTS)
@examples(12)
@given(kind=st.sampled_from(KINDS), first=many, taken=steps(st.just(NO_TROUBLE)))
def test_nothing_is_taken_and_nobody_new_is_kept_away(
    placements: str, kind: str, first: dict[int, Spot], taken: list[Step]
) -> None:
    with limited_tenant(kind, placements) as tenant:
        tenant.change_to(State(plainly(first)))
        tenant.run()
        enrolled = pupils(tenant)
        for state in states(taken):
            spots = plainly({**first, **state.spots})
            tenant.change_to(State(spots, state.renamed, state.ticked))
            run(tenant, NO_TROUBLE)
            assert_new_people_came(tenant, placements, enrolled)
            enrolled |= pupils(tenant)
            run(tenant, NO_TROUBLE)
            assert [each for each in tenant.sent() if not each.startswith("GET")] == []
        approve_everything(tenant)


@pytest.mark.parametrize("placements", PLACEMENTS)
@examples(12)
@given(
    kind=st.sampled_from(KINDS),
    first=many,
    taken=steps(st.one_of(troubles, plain_troubles, st.just(NO_TROUBLE))),
)
def test_nothing_is_taken_whatever_a_run_meets(
    placements: str, kind: str, first: dict[int, Spot], taken: list[Step]
) -> None:
    with limited_tenant(kind, placements) as tenant:
        tenant.change_to(State(first))
        tenant.run()
        for step, state in zip(taken, states(taken), strict=True):
            tenant.change_to(State({**first, **state.spots}, state.renamed, state.ticked))
            run(tenant, step.trouble)
        approve_everything(tenant)


def plainly(spots: dict[int, Spot]) -> dict[int, Spot]:
    """The same people, none protected and each with an address of their own.

    Who was protected waits for a person, and an address is free when who had it has gone.
    """
    return {n: replace(each, protected=False, address=-1) for n, each in spots.items()}


def approve_everything(tenant: ChangingTenant) -> None:
    """After approvals the vendor has exactly the roster."""
    if any(tenant.ledger.refused()):
        tenant.next_day()
    for _ in range(5):
        with suppress(NotFoundError):
            release(tenant.sync_context(), TENANT)
        if tenant.run().status == "held":
            record_approval(tenant.store, TENANT, tenant.vendor.id, tenant.clock())
    there, wanted = held_at(tenant.server), tenant.wanted
    for kind, bodies in wanted.items():
        assert there[kind] == bodies, kind
