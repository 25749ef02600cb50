"""How right the proposals for a structure are, unit by unit."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct, structs

from addon.proposals.confidence import Confidence
from addon.proposals.model import Proposal
from addon.proposals.propose import propose
from addon.proposals.reasons import Reason
from addon.roster.index import DirectoryIndex
from addon.roster.select import select
from addon.tenants.model import Protected
from tests.proposals.library import Structure, UnitTruth

Part = Literal["students", "staff", "classes", "years"]
PARTS: tuple[Part, ...] = ("students", "staff", "classes", "years")


class UnitScore(Struct, frozen=True):
    """What was proposed for one unit, against the truth. `wrong` are the parts that differ."""

    structure: str
    code: str
    name: str
    confidence: Confidence
    wrong: tuple[Part, ...]
    asked: bool
    detail: str = ""
    reasons: tuple[Reason, ...] = ()
    ceased: bool = False

    @property
    def right(self) -> bool:
        """Whether the unit is wholly right, and offered as such, or ceased and said to be."""
        told = self.confidence in ("sure", "likely") or self.ceased
        return not self.wrong and told

    @property
    def misled(self) -> bool:
        """Whether something wrong was said to be sure or likely."""
        return bool(self.wrong) and self.confidence in ("sure", "likely")


class Score(Struct, frozen=True):
    """The units of several structures, counted. `asked` units have a question for an answer."""

    units: int
    right: int
    helped: int
    wrong_sure: int
    wrong_likely: int
    asked: int
    asked_and_asks: int

    @property
    def share(self) -> float:
        """The share of the units wholly right, of those that can be."""
        return self.right / self.units if self.units else 1.0


def score(structure: Structure) -> list[UnitScore]:
    """Propose for every unit of a structure and compare with its truth."""
    index = DirectoryIndex(Protected(), structure.snapshot)
    found = propose(index, structure.units, structure.tenant).proposals
    proposed = structs.replace(
        structure.tenant, school_units=tuple(each.school_unit() for each in found)
    )
    roster = select(proposed, structure.snapshot)
    scores = []
    for proposal in found:
        truth = structure.truth[proposal.code]
        ours = UnitTruth(set(), set(), {}, {})
        for person in roster.people.values():
            if proposal.code in person.employments:
                ours.staff.add(person.id)
            for enrolment in person.enrolments:
                if enrolment.unit == proposal.code:
                    ours.students.add(person.id)
                    if enrolment.school_year is not None:
                        ours.years[person.id] = enrolment.school_year
        for group in roster.groups:
            if group.unit == proposal.code and group.kind == "class":
                ours.classes.setdefault(group.name, set()).update(group.students)
        scores.append(_compared(structure, proposal, truth, ours))
    return scores


def total(scores: Iterable[UnitScore]) -> Score:
    """Count the scores of units."""
    every = list(scores)
    known = [each for each in every if not each.asked]
    asked = [each for each in every if each.asked]
    return Score(
        units=len(known),
        right=sum(each.right for each in known),
        helped=sum(each.confidence in ("unsure", "none") and not each.right for each in known),
        wrong_sure=sum(each.misled and each.confidence == "sure" for each in every),
        wrong_likely=sum(each.misled and each.confidence == "likely" for each in every),
        asked=len(asked),
        asked_and_asks=sum(each.confidence in ("unsure", "none") for each in asked),
    )


def _compared(
    structure: Structure, proposal: Proposal, truth: UnitTruth, ours: UnitTruth
) -> UnitScore:
    wrong: list[Part] = []
    details: list[str] = []
    for part in PARTS:
        said = _difference(part, truth, ours, structure.either)
        if said:
            wrong.append(part)
            details.append(f"{part}: {said}")
    return UnitScore(
        structure=structure.name,
        code=proposal.code,
        name=proposal.name,
        confidence=proposal.confidence,
        wrong=tuple(wrong),
        asked=proposal.code in structure.asked,
        detail="; ".join(details),
        reasons=proposal.reasons,
        ceased=any(each.code == "ceased" for each in proposal.reasons),
    )


def _difference(part: Part, truth: UnitTruth, ours: UnitTruth, either: frozenset[str]) -> str:
    if part in ("students", "staff"):
        want, have = getattr(truth, part) - either, getattr(ours, part) - either
        return "" if want == have else f"{len(have - want)} too many, {len(want - have)} missing"
    if part == "years":
        want = {id: year for id, year in truth.years.items() if id in truth.students}
        wrong = {id for id in want.keys() | ours.years.keys() if want.get(id) != ours.years.get(id)}
        return "" if not wrong else f"{len(wrong)} wrong"
    if not truth.classes and all(
        len({truth.years.get(id) for id in members}) == 1 for members in ours.classes.values()
    ):
        # Where nobody speaks of classes, a class for each school year is as good as none.
        return ""
    if truth.classes == ours.classes:
        return ""
    missing = sorted(truth.classes.keys() - ours.classes.keys())[:4]
    extra = sorted(ours.classes.keys() - truth.classes.keys())[:4]
    return f"missing {missing}, not theirs {extra}" if missing or extra else "other members"
