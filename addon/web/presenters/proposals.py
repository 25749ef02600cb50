"""What could be set up for each unit: which proposals are sure, and which need an answer."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Literal

from msgspec import Struct, structs

from addon.proposals.model import Proposal, Proposals, UnitToPropose, Unmatched
from addon.proposals.propose import MANY
from addon.proposals.selectors import has_ceased
from addon.proposals.shared_trees import SharedTree
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.sync.proposal_answers import ProposalAnswers
from addon.tenants.model import (
    GroupRules,
    SchoolUnit,
    Selector,
    SelectorExceptions,
    Tenant,
    YearRule,
)
from addon.web.forms.class_rules import excepted_names, leaving_out
from addon.web.presenters.school_unit import PeopleBreakdown
from addon.web.version_token import value_hash

State = Literal["question", "likely", "sure", "without", "done"]
"""Of a unit: it needs an answer, has a likely or sure proposal, has no students, or is set up."""
FEW = 0.02
"""The share of a unit's students that another unit may claim too without a question."""


class Claim(Struct, frozen=True):
    """How many of a unit's students the unit `code` has or would have too."""

    code: str
    people: int


class ProposalsView(Struct, frozen=True):
    """The proposals for a document and a directory. `mark` is the hash of the proposals.

    `people` are those whom each unit would send, by its selection or else by its proposal, counted
    as when all of it is saved: nobody who is `unsendable`, and nobody as a student who is `staff`
    at any unit. `not_sent` is how many more each would choose who cannot be. `pupils` are their
    students, but for units that are said to have none, and `claims` the other units that have some
    of them too. `questions` are the OUs that several units without a selection share; `totals` how
    many people the sure and the likely proposals have together. `shaped` is the number of units
    placed in the tree as its main shape says. `left_out` are the OUs with many people that neither
    a proposal nor the document selects; `ceased` are the codes of units that have ceased according
    to the register.
    """

    proposals: Proposals
    by_code: Mapping[str, Proposal]
    states: Mapping[str, State]
    people: Mapping[str, PeopleBreakdown]
    not_sent: Mapping[str, int]
    staff: frozenset[str]
    unsendable: frozenset[str]
    pupils: Mapping[str, frozenset[str]]
    claims: Mapping[str, tuple[Claim, ...]]
    questions: tuple[SharedTree, ...]
    totals: Mapping[State, PeopleBreakdown]
    left_out: tuple[Unmatched, ...]
    ceased: frozenset[str]
    shaped: int
    mark: str

    def in_state(self, *states: State) -> tuple[str, ...]:
        """Return the codes of the units in any of these states, in the document's order."""
        return tuple(code for code, state in self.states.items() if state in states)

    def sent(self, chosen: PeopleBreakdown) -> PeopleBreakdown:
        """Return those of the chosen people whom a unit sends."""
        return sendable(chosen, self.staff, self.unsendable)

    def question_of(self, code: str) -> SharedTree | None:
        """Return the shared OU that a unit's question is about, if any."""
        return next((tree for tree in self.questions if code in tree.units), None)


def proposals_view(
    index: DirectoryIndex,
    proposals: Proposals,
    units: Sequence[UnitToPropose],
    tenant: Tenant,
    answers: ProposalAnswers,
    unsendable: frozenset[str] = frozenset(),
) -> ProposalsView:
    """Return what is proposed for all of a document's units."""
    by_code = {proposal.code: proposal for proposal in proposals.proposals}
    chosen = {
        unit.code: chosen_by(index, unit if is_set_up(unit) else by_code[unit.code])
        for unit in tenant.school_units
    }
    staff = frozenset[str]().union(*(each.staff for each in chosen.values()))
    people = {code: sendable(each, staff, unsendable) for code, each in chosen.items()}
    pupils = {code: each.students for code, each in people.items()}
    for code in _without(tenant, answers):
        pupils[code] = frozenset()
    claims = _claims(pupils)
    questions = tuple(_questions(proposals.shared_trees, tenant, answers))
    asked = {code for tree in questions for code in tree.units}
    states = {
        unit.code: _state(unit, by_code[unit.code], answers, asked, pupils, claims)
        for unit in tenant.school_units
    }
    return ProposalsView(
        proposals=proposals,
        by_code=by_code,
        states=states,
        people=people,
        not_sent={code: each.among(unsendable) for code, each in chosen.items()},
        staff=staff,
        unsendable=unsendable,
        pupils=pupils,
        claims=claims,
        questions=questions,
        totals=_totals(states, people),
        left_out=tuple(_left_out(index, proposals.unmatched_org_units, tenant)),
        ceased=frozenset(unit.code for unit in units if has_ceased(unit.status)),
        shaped=sum(s.units for s in proposals.shapes if _begins(proposals.shape, s.students)),
        mark=value_hash(proposals),
    )


def _without(tenant: Tenant, answers: ProposalAnswers) -> set[str]:
    """The codes of units without a selection that are said to have no students."""
    open_units = {unit.code for unit in tenant.school_units if not is_set_up(unit)}
    return open_units & set(answers.without_students)


def _state(
    unit: SchoolUnit,
    proposal: Proposal,
    answers: ProposalAnswers,
    asked: Set[str],
    pupils: Mapping[str, frozenset[str]],
    claims: Mapping[str, tuple[Claim, ...]],
) -> State:
    if is_set_up(unit):
        return "done"
    if unit.code in answers.without_students:
        return "without"
    claimed = many(claims.get(unit.code, ()), pupils[unit.code])
    if unit.code in asked or claimed or not pupils[unit.code]:
        return "question"
    if proposal.confidence == "sure":
        return "sure"
    return "likely" if proposal.confidence == "likely" else "question"


def claims_on(found: ProposalsView, code: str, students: frozenset[str]) -> tuple[Claim, ...]:
    """Return the other units that have some of `students` too, which unit `code` would have."""
    others = ((other, len(students & ids)) for other, ids in found.pupils.items() if other != code)
    return tuple(
        sorted((Claim(other, n) for other, n in others if n), key=lambda each: -each.people)
    )


def many(claims: Iterable[Claim], students: frozenset[str]) -> bool:
    """Whether other units claim so many of these students that it is a question."""
    most = max((claim.people for claim in claims), default=0)
    return most > max(FEW * len(students), MANY)


def _claims(pupils: Mapping[str, frozenset[str]]) -> dict[str, tuple[Claim, ...]]:
    owners: dict[str, list[str]] = {}
    for code, ids in pupils.items():
        for id in ids:
            owners.setdefault(id, []).append(code)
    shared: dict[str, Counter[str]] = {}
    for codes in owners.values():
        if len(codes) > 1:
            for code in codes:
                shared.setdefault(code, Counter()).update(each for each in codes if each != code)
    return {
        code: tuple(Claim(other, n) for other, n in counted.most_common())
        for code, counted in shared.items()
    }


def _questions(
    trees: Iterable[SharedTree], tenant: Tenant, answers: ProposalAnswers
) -> Iterable[SharedTree]:
    """The shared OUs of which nothing says how they are split, with the units that lack theirs."""
    without = _without(tenant, answers)
    wanted = {u.code for u in tenant.school_units if not is_set_up(u)} - without
    for tree in trees:
        units = tuple(code for code in tree.units if code in wanted)
        if tree.answer is None and tree.splits and len(units) > 1:
            wanted -= set(units)
            yield structs.replace(tree, units=units)


def _totals(
    states: Mapping[str, State], people: Mapping[str, PeopleBreakdown]
) -> dict[State, PeopleBreakdown]:
    found: dict[State, PeopleBreakdown] = {}
    counted: tuple[State, ...] = ("sure", "likely")
    for state in counted:
        of = [people[code] for code, its in states.items() if its == state]
        staff = frozenset[str]().union(*(each.staff for each in of))
        students = frozenset[str]().union(*(each.students for each in of))
        found[state] = PeopleBreakdown(students - staff, staff)
    return found


def chosen_by(index: DirectoryIndex, proposal: Proposal | SchoolUnit) -> PeopleBreakdown:
    """Return the people whom a proposal or unit chooses; staff are not counted as students."""
    staff = choose(proposal.staff, index).chosen
    return PeopleBreakdown(choose(proposal.students, index).chosen - staff, staff)


def sendable(
    chosen: PeopleBreakdown, staff: frozenset[str], unsendable: frozenset[str]
) -> PeopleBreakdown:
    """Return those of the chosen people who are sent; `staff` are so at any unit.

    Follows the rules of `addon.roster.placement.place`.
    """
    return PeopleBreakdown(chosen.students - staff - unsendable, chosen.staff - unsendable)


def is_set_up(unit: SchoolUnit) -> bool:
    """Whether the unit has a selection of students or staff."""
    return has_places(unit.students) or has_places(unit.staff)


def has_places(selector: Selector) -> bool:
    """Whether a selector names any OU or group."""
    return bool(selector.org_units or selector.groups)


def accepted_selection(unit: SchoolUnit, proposal: Proposal) -> dict[str, object]:
    """Return the fields that a unit gets by a proposal, which leaves out whom the unit does too."""
    return {
        **selection_of(proposal),
        "students": _leaving_out_too(proposal.students, unit.students),
        "staff": _leaving_out_too(proposal.staff, unit.staff),
        "classes": _without_names_too(proposal.classes, unit.classes),
        "teaching_groups": _without_names_too(proposal.teaching_groups, unit.teaching_groups),
    }


def _leaving_out_too(selector: Selector, other: Selector) -> Selector:
    mine, its = selector.exceptions, other.exceptions
    return selector.excepting(
        SelectorExceptions(
            users=tuple(dict.fromkeys((*mine.users, *its.users))),
            org_units=tuple(dict.fromkeys((*mine.org_units, *its.org_units))),
            groups=tuple(dict.fromkeys((*mine.groups, *its.groups))),
        )
    )


def _without_names_too(rule: GroupRules | None, other: GroupRules | None) -> GroupRules | None:
    names = tuple(dict.fromkeys((*excepted_names(rule), *excepted_names(other))))
    if rule is None or not names:
        return rule
    made = leaving_out(rule, names)
    return None if isinstance(made, YearRule) else made


def selection_of(unit: SchoolUnit | Proposal) -> dict[str, object]:
    """Return the fields of a unit that a proposal concerns, by field name."""
    return {
        "students": unit.students,
        "staff": unit.staff,
        "classes": unit.classes,
        "teaching_groups": unit.teaching_groups,
        "school_year": unit.school_year,
    }


def _begins(path: str, start: str) -> bool:
    return bool(start) and f"{path}/".startswith(f"{start}/")


def _left_out(
    index: DirectoryIndex, unmatched: Sequence[Unmatched], tenant: Tenant
) -> list[Unmatched]:
    """Return the OUs with many people who are not chosen by the document either."""
    reached: set[str] = set()
    for unit in tenant.school_units:
        for selector in (unit.students, unit.staff):
            for path in selector.org_units:
                reached |= index.in_org_unit(path)
            for address in selector.groups:
                reached |= index.in_group(address)
    counted = (Unmatched(u.path, len(index.in_org_unit(u.path) - reached)) for u in unmatched)
    return sorted((u for u in counted if u.people >= MANY), key=lambda u: -u.people)
