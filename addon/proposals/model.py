"""Proposals as values, which an administrator can accept, change or reject."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from addon.proposals.confidence import Confidence
from addon.proposals.reasons import Reason
from addon.proposals.shape import Shape
from addon.proposals.shared_trees import SharedTree
from addon.proposals.vocabulary import Role
from addon.tenants.model import GroupRule, GroupRules, Protected, SchoolUnit, Selector, YearRule


class UnitToPropose(Protocol):
    """A school unit as in Skolverket's register."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def municipality_code(self) -> str | None: ...
    @property
    def school_types(self) -> Sequence[str]: ...


class Alternative(Struct, frozen=True):
    """Another place that a unit could have, with how many people it reaches.

    `similarity` is from 0 to 1; `text` is the place as the administrator knows it.
    """

    role: Role
    text: str
    selector: Selector
    similarity: float
    people: int


class Proposal(Struct, frozen=True):
    """What is proposed for one unit, and why.

    `students_reached` and `staff_reached` are how many active people the selectors choose.
    With the confidence `none` nothing was found and the selectors are empty.
    """

    code: str
    name: str
    municipality_code: str | None = None
    school_types: tuple[str, ...] = ()
    students: Selector = Selector()
    staff: Selector = Selector()
    classes: GroupRules | None = None
    teaching_groups: GroupRule | None = None
    school_year: YearRule | None = None
    reasons: tuple[Reason, ...] = ()
    confidence: Confidence = "none"
    alternatives: tuple[Alternative, ...] = ()
    students_reached: int = 0
    staff_reached: int = 0
    class_names: tuple[str, ...] = ()

    def school_unit(self) -> SchoolUnit:
        """The unit of the tenant document if the proposal is accepted unchanged."""
        return SchoolUnit(
            code=self.code,
            name=self.name,
            municipality_code=self.municipality_code,
            school_types=self.school_types,
            students=self.students,
            staff=self.staff,
            classes=self.classes,
            teaching_groups=self.teaching_groups,
            school_year=self.school_year,
        )


class Unmatched(Struct, frozen=True):
    """An OU with people, in it or below it, who are in no proposal."""

    path: str
    people: int


class Proposals(Struct, frozen=True):
    """The proposals in the order of the requested units.

    `shape` is how most units were found ("/Elever/skola/klass"; empty when none was found in
    an OU of its own), `shapes` all of them. `protected` are OUs and groups that seem to contain
    people with protected identity and are not yet chosen, with `protected_reasons`. `shared_trees`
    are OUs that several units share.
    """

    proposals: tuple[Proposal, ...]
    shape: str = ""
    shapes: tuple[Shape, ...] = ()
    unmatched_org_units: tuple[Unmatched, ...] = ()
    protected: Protected = Protected()
    protected_reasons: tuple[Reason, ...] = ()
    shared_trees: tuple[SharedTree, ...] = ()

    @property
    def found(self) -> int:
        """How many units have a proposal that found something."""
        return sum(each.confidence != "none" for each in self.proposals)
