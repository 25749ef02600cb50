"""`make bench-proposals`: how right the proposals are on the structures of tests/proposals.

Prints one JSON object: shares and numbers for the library of structures, for structures that
combine habits at random, and the seconds for 30,000 users in 60 units.
"""

import argparse
import json
from collections.abc import Iterable
from typing import Any

from msgspec import structs

from tests.proposals.library import structures
from tests.proposals.score import UnitScore, score, total

HELD_BACK = "held_back"
"""The folder of structures that were written after the engine."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.proposals", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="a line for each unit not right")
    parser.add_argument("--random", type=int, default=100, help="structures made at random")
    parser.add_argument("--only", default="", help="structures whose name contains this")
    given = parser.parse_args()
    scores = [x for each in structures() if given.only in each.name for x in score(each)]
    figures: dict[str, Any] = {"library": figures_of(scores)}
    if given.verbose:
        _tell(scores)
    print(json.dumps(figures, indent=2))


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
