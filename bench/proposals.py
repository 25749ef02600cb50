"""`make bench-proposals`: how right the proposals are on the structures of tests/proposals.

Prints one JSON object: shares and numbers for the library of structures, for structures that
combine habits at random, and the seconds for 30,000 users in 60 units.
"""

import argparse
import json
import time
from collections.abc import Iterable
from typing import Any

from msgspec import structs

from addon.proposals.propose import propose
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Protected
from tests.proposals.habits import at_random, structure_of
from tests.proposals.library import Structure, parse, structures
from tests.proposals.score import UnitScore, score, total


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.proposals", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="a line for each unit not right")
    parser.add_argument("--random", type=int, default=100, help="structures made at random")
    parser.add_argument("--only", default="", help="structures whose name contains this")
    given = parser.parse_args()
    scores = [x for each in structures() if given.only in each.name for x in score(each)]
    figures: dict[str, Any] = {"library": figures_of(scores)}
    if given.random:
        drawn = [x for n in range(given.random) for x in score(structure_of(at_random(n)))]
        figures["random"] = figures_of(drawn)
        scores.extend(drawn)
    figures["large"] = large()
    if given.verbose:
        _tell(scores)
    print(json.dumps(figures, indent=2))


def large(units: int = 60, people: int = 30_000) -> dict[str, Any]:
    """Seconds to propose for a municipality of many schools."""
    made = large_structure(units, people)
    index = DirectoryIndex(Protected(), made.snapshot)
    start = time.process_time()
    found = propose(index, made.units, made.tenant)
    seconds = time.process_time() - start
    return {
        "users": len(made.snapshot.users),
        "groups": len(made.snapshot.groups),
        "units": units,
        "sure": sum(each.confidence == "sure" for each in found.proposals),
        "seconds": round(seconds, 2),
    }


def large_structure(units: int = 60, people: int = 30_000) -> Structure:
    """A municipality of many schools with class groups and attributes."""
    each = people // units
    text = "\n".join(
        f"{each // 30} /Elever/{_school(n)}/{year}{letter} | organizations.department={_school(n)};"
        f" in klass-{year}{letter.lower()}-{n}@ amne-{year}{letter.lower()}-{n}@ | student s{n}"
        for n in range(units)
        for year in range(1, 10)
        for letter in "ABC"
    ) + "\n".join(
        f"\n{each // 10} /Personal/{_school(n)} | in personal-{n}@ | staff s{n}"
        for n in range(units)
    )
    named = "\n".join(f"s{n} | {30000001 + n} | {_school(n)} | GR" for n in range(units))
    return parse("large", f"organisation: X\n{named}", text)


def _school(n: int) -> str:
    first = ("Björk", "Ek", "Al", "Gran", "Tall", "Lönn")[n % 6]
    return (
        first
        + ("", "backa", "haga", "lunda", "dals", "torps", "viks", "näs", "mo", "by")[n // 6]
        + "skolan"
    )


def figures_of(scores: Iterable[UnitScore]) -> dict[str, Any]:
    """The numbers of some units' scores."""
    every = list(scores)
    found = total(every)
    return {
        "structures": len({each.structure for each in every}),
        **structs.asdict(found),
        "share_right": round(found.share, 3),
    }


def _tell(scores: Iterable[UnitScore]) -> None:
    for each in scores:
        if not each.right and not (each.asked and not each.misled):
            print(f"{each.structure:32} {each.name:32} {each.confidence:7} {each.detail}")


if __name__ == "__main__":
    main()
