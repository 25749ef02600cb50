"""What hypothesis makes up: states of a directory, trouble of a vendor, deaths of a process."""

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.support.crashes import HANG, Crash, Trouble
from tests.support.egil_faults import Fault
from tests.support.generated_tenant import GROUPS, PEOPLE, PLACES, UNITS, Spot, State


def is_long() -> bool:
    """Whether the tests have time to explore; see tests/conftest.py."""
    return settings.get_current_profile_name() == "long"


def examples(number: int) -> Callable[[Any], Any]:
    """`number` examples, the same every time; under the profile `long`, as many as it says."""
    if is_long():
        return settings.get_profile("long")
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# The directory

pupils = st.builds(
    Spot,
    place=st.sampled_from(PLACES[:9]),
    family=st.sampled_from((0, 0, 1, 2, 3)),
    address=st.integers(-1, 3),
    groups=st.frozensets(st.sampled_from(GROUPS), max_size=3),
)
others = st.builds(
    Spot,
    place=st.sampled_from(PLACES[9:]),
    family=st.integers(0, 2),
    address=st.integers(-1, 3),
    groups=st.frozensets(st.sampled_from(GROUPS), max_size=2),
    suspended=st.sampled_from((False, False, True)),
)
protected = st.builds(Spot, place=st.sampled_from(PLACES), protected=st.just(True))
spots = st.one_of(st.just(Spot()), pupils, pupils, pupils, others, others, protected)
people = st.dictionaries(st.integers(0, PEOPLE - 1), spots, max_size=PEOPLE)
many = st.fixed_dictionaries(dict.fromkeys(range(PEOPLE), spots))


class Step(NamedTuple):
    """What changes before a run, and what the run meets. `back`: as it was before the last."""

    people: dict[int, Spot]
    renamed: bool
    ticked: tuple[str, ...]
    back: bool
    trouble: Trouble


def states(steps: list[Step]) -> list[State]:
    """The states that the steps lead to, one after the other."""
    found = [State()]
    for step in steps:
        if step.back and len(found) > 1:
            found.append(found[-2])
        else:
            now = {**found[-1].spots, **step.people}
            found.append(State(now, step.renamed, step.ticked))
    return found[1:]


# The vendor

REFUSALS = (400, 409, 413, 422)
WRITES = ("POST", "PUT", "DELETE")
METHODS = (None, "GET", *WRITES)


def _status(status: int, **more: Any) -> Fault:
    return Fault(status=status, body=b'{"detail": "no"}', **more)


befalls_any = st.sampled_from(
    [
        *(_status(status) for status in (401, 429, 503)),
        _status(429, headers={"Retry-After": "0"}),
        _status(503, headers={"Retry-After": "3600"}),
        Fault(status=302, headers={"Location": "https://example.org/"}),
        Fault(drop=True),
        Fault(drop=True, when="after"),
        Fault(garbage=True),
        Fault(garbage=True, when="after"),
        Fault(hang=HANG, when="after"),
    ]
)
"""What can come of any request, a question too."""

befalls_writes = st.sampled_from(
    [
        *(_status(status) for status in (*REFUSALS, 403, 500, 502, 504)),
        *(_status(status, when="after") for status in (500, 502, 503, 504)),
        Fault(truncate=True, when="after"),
        Fault(status=200, body=b"\xff\x00 nonsense", when="after"),
    ]
)
"""What can come of a write. Of a question, it would mean that the vendor cannot be asked."""

no_such_thing = st.just(_status(404))
"""What can come of a create. Of anything else, it means that the vendor has lost the resource."""


def _leaves_no_doubt(fault: Fault) -> bool:
    return (
        fault.when == "before"
        and fault.status is not None
        and (fault.status < 500 or "Retry-After" in fault.headers)
    )


def _befallen(methods: tuple[str | None, ...], kinds: st.SearchStrategy[Fault]) -> Any:
    return st.tuples(st.sampled_from(methods), st.integers(0, 12), st.integers(1, 5), kinds)


faults = st.one_of(
    _befallen(METHODS, befalls_any),
    _befallen(WRITES, befalls_writes),
    _befallen(("POST",), no_such_thing),
)
plain_faults = st.one_of(
    _befallen(METHODS, befalls_any.filter(_leaves_no_doubt)),
    _befallen(WRITES, befalls_writes.filter(_leaves_no_doubt)),
    _befallen(("POST",), no_such_thing),
)
"""Faults that leave no doubt: the vendor has said that it did not do it."""

crashes = st.one_of(
    st.builds(Crash, at=st.just("request"), n=st.integers(1, 40), after=st.booleans()),
    st.builds(Crash, at=st.just("write"), n=st.integers(1, 14), after=st.booleans()),
)
troubles = st.builds(
    Trouble, faults=st.lists(faults, max_size=3).map(tuple), crash=st.none() | crashes
)
plain_troubles = st.builds(
    Trouble, faults=st.lists(plain_faults, max_size=3).map(tuple), crash=st.none()
)


def steps(kinds: st.SearchStrategy[Trouble]) -> st.SearchStrategy[list[Step]]:
    """Up to four changes of the directory, each met by trouble."""
    step = st.builds(
        Step,
        people=st.one_of(people, many),
        renamed=st.booleans(),
        ticked=st.sampled_from((UNITS, UNITS, UNITS, UNITS[:2], UNITS[1:])),
        back=st.sampled_from((False, False, True)),
        trouble=kinds,
    )
    return st.lists(step, min_size=1, max_size=4)
