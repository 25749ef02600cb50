"""Makes a proposal of what was settled for a unit: selectors, rules, reasons, confidence."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from msgspec import structs

from addon.conditions import fold
from addon.directory.snapshot import Group
from addon.proposals.matching import Match
from addon.proposals.nearby import around
from addon.proposals.needed import Closed, elsewhere, without_devices
from addon.proposals.patterns import PatternChoice, classes_near, teaching_near, years_near
from addon.proposals.places import Place
from addon.proposals.proposal import CONFIDENCES, Alternative, Confidence, Proposal, RegisterUnit
from addon.proposals.reasons import Reason, reason
from addon.proposals.settling import Settled
from addon.proposals.words import Role
from addon.roster.filters import choose
from addon.roster.index import Index
from addon.tenant import Clause, GroupRule, SchoolUnit, Selector, YearRule

_SURE = 0.9
_LIKELY = 0.6
_CLASSES = 0.35
_TEACHING = 0.5
_YEARS = 0.5
_MOST_ALTERNATIVES = 4


def has_ceased(status: str) -> bool:
    """Whether the register says that a unit is no more, or rests."""
    return status.casefold().startswith(("upph", "ceased", "vilande", "nedlagd"))


class Proposing:
    """Makes the proposals of all units, who know of each other's places."""

    def __init__(self, index: Index, settled: Mapping[str, Settled], closed: Closed) -> None:
        self._index, self._settled, self._closed = index, settled, closed
        self._taken = [
            (code, role, path)
            for code, each in settled.items()
            for role in ROLES
            for path in each.paths(role)
        ]
        self._selected: dict[str, tuple[Selector, Selector]] = {}
        self._groups: dict[str, list[Group]] | None = None

    def proposal(self, unit: RegisterUnit) -> Proposal:
        """What is proposed for a unit that was settled."""
        settled = self._settled[unit.code]
        made = Proposal(
            code=unit.code,
            name=unit.name,
            municipality_code=unit.municipality_code,
            school_types=tuple(unit.school_types),
            alternatives=tuple(_alternatives(settled)),
        )
        if settled.students is None and settled.staff is None:
            return made
        students, student_reasons = self._students(unit.code, settled)
        staff, staff_reasons = self._staff(unit.code, settled)
        pupils, adults = choose(students, self._index).chosen, choose(staff, self._index).chosen
        made = structs.replace(
            made,
            students=students,
            staff=staff,
            students_reached=len(pupils),
            staff_reached=len(adults),
            confidence=_confidence(settled, len(pupils), len(adults), unit.status),
        )
        made, rule_reasons = self._with_rules(made, pupils - adults, adults)
        reasons = (*student_reasons, *staff_reasons, *_doubts(settled, unit.status), *rule_reasons)
        return structs.replace(made, reasons=reasons)
