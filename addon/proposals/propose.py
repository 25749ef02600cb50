"""Proposes who belongs to each school unit, for all units at once, with reasons."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from addon.proposals.completion import Completion
from addon.proposals.confidence import lowest
from addon.proposals.cross_check import contradicted
from addon.proposals.declined import DeclinedPlace, DeclinedPlaces
from addon.proposals.exclusions import protected_places
from addon.proposals.late_classes import late_classes, without_late
from addon.proposals.matching import UnitToMatch
from addon.proposals.model import (
    Alternative,
    Proposal,
    Proposals,
    UnitToPropose,
    Unmatched,
)
from addon.proposals.names import SchoolName, ignored_words, read_name, same_stem, shared_prefixes
from addon.proposals.placement import MatchedUnit, PlaceMatcher
from addon.proposals.reasons import reason
from addon.proposals.rules import ProposedRules, RuleProposer
from addon.proposals.scope import Inside, inside_of
from addon.proposals.selectors import SelectorBuilder, SelectorDraft, alternatives, has_ceased
from addon.proposals.shape import common, main_shape, shape_of
from addon.proposals.vocabulary import PROGRAMMES, is_left, is_protected, plain_words
from addon.roster.index import DirectoryIndex
from addon.roster.org_unit_tree import OrgUnitNode, org_unit_tree
from addon.tenants.model import Protected, Tenant
from addon.text import fold, path_key

__all__ = [
    "Alternative",
    "Proposal",
    "Proposals",
    "UnitToPropose",
    "Unmatched",
    "propose",
]

_FEW = 0.02
MANY = 5
"""An OU with this many people who are in no proposal is reported."""


def propose(
    index: DirectoryIndex,
    units: Sequence[UnitToPropose],
    tenant: Tenant,
    declined: Iterable[DeclinedPlace] = (),
) -> Proposals:
    """Propose how `tenant` can configure `units`, based on the names of its OUs and groups.

    What was `declined` is not proposed again. The people in `tenant.protected` are not in `index`
    and therefore not counted.
    """
    once = list({unit.code: unit for unit in units}.values())
    refused = DeclinedPlaces(declined)
    ignored = ignored_words(tenant.organisation.name)
    ignored -= _needed(once, ignored)
    ignored |= _of_chain(once, ignored)
    wanted = [_wanted(unit, ignored) for unit in once]
    ignored |= shared_prefixes(_texts(index), [unit.name for unit in wanted])
    tree, inside = org_unit_tree(index), inside_of(index)
    matcher = PlaceMatcher(index, inside, tree, wanted, ignored, refused)
    settled = matcher.settle()
    names = {w.code: w.name for w in wanted}
    drafting = SelectorBuilder(index, inside, settled, names)
    drafts = {unit.code: drafting.draft(unit.code, unit.status) for unit in once}
    completed = Completion(index, inside, settled, drafts, names, refused).completed()
    if completed != settled:
        settled = completed
        drafting = SelectorBuilder(index, inside, settled, names)
        drafts = {unit.code: drafting.draft(unit.code, unit.status) for unit in once}
    doubted = contradicted(index, settled, drafts, matcher.people_of)
    if doubted:
        settled = {
            code: structs.replace(unit, unknown=(*unit.unknown, *doubted.get(code, ())))
            for code, unit in settled.items()
        }
        drafting = SelectorBuilder(index, inside, settled, names)
        drafts = {
            unit.code: drafting.draft(unit.code, unit.status)
            if unit.code in doubted
            else drafts[unit.code]
            for unit in once
        }
    ruling = RuleProposer(index, drafts)
    made = {u.code: _proposal(u, drafts[u.code], settled[u.code]) for u in once}
    rules = ruling.of_all([each.school_unit() for each in made.values()])
    ruled = {c: _with_rules(each, drafts[c], rules[c]) for c, each in made.items()}
    for unit in once:
        late = late_classes(index, ruled[unit.code].school_unit(), drafts[unit.code].pupils)
        if late is not None:
            draft, said = without_late(index, drafts[unit.code], late)
            drafts[unit.code] = structs.replace(
                draft,
                reasons=(*draft.reasons, *said),
                confidence=lowest(draft.confidence, "likely"),
            )
            again = _proposal(unit, drafts[unit.code], settled[unit.code])
            found = RuleProposer(index, drafts).rules(again.school_unit())
            ruled[unit.code] = _with_rules(again, drafts[unit.code], found)
    proposals = tuple(_with_overlap(each, drafts) for each in ruled.values())
    shapes = common([_shapes(settled[w.code], w.name, ignored, index, inside) for w in wanted])
    protected, reasons = protected_places(index, tenant.protected)
    return Proposals(
        proposals=proposals,
        shape=main_shape(shapes),
        shapes=shapes,
        unmatched_org_units=tuple(_unmatched(tree, proposals, protected)),
        protected=protected,
        protected_reasons=reasons,
        shared_trees=matcher.shared_trees,
    )


def _texts(index: DirectoryIndex) -> Iterator[str]:
    """The names of the OUs, and the addresses and names of the groups."""
    yield from (unit.name for unit in index.org_units.values())
    for group in index.groups:
        yield group.email.rpartition("@")[0]
        yield group.name


def _needed(units: Sequence[UnitToPropose], ignored: frozenset[str]) -> frozenset[str]:
    """The words of the organiser's name that alone tell a school from the others."""
    found: set[str] = set()
    for unit in units:
        left = read_name(unit.name, ignored, unit.school_types)
        if PROGRAMMES.keys() >= set(left.core):
            whole = read_name(unit.name, (), unit.school_types)
            if left.core or not read_name(unit.name, ignored).kinds:
                found.update(whole.core)
        elif len(left.core) == 1:
            found.update(word for word in ignored if same_stem(word, left.core[0]))
    return frozenset(found | {word.removesuffix("s") for word in found} | {w + "s" for w in found})


def _of_chain(units: Sequence[UnitToPropose], ignored: frozenset[str]) -> frozenset[str]:
    """The word of a chain in several units' names that another word follows: Lärkskolan Sala.

    It is the organiser's in another form: Lärkan Skolor AB.
    """
    count = Counter(
        word
        for unit in units
        for core in (read_name(unit.name, ignored, unit.school_types).core,)
        if len(core) > 1
        for word in core
        if any(word + ending in ignored for ending in ("an", "en", "n", "et"))
    )
    return frozenset(word for word, times in count.items() if times > 1)


def _wanted(unit: UnitToPropose, ignored: frozenset[str]) -> UnitToMatch:
    name = read_name(unit.name, ignored, unit.school_types)
    if not name.tells:
        name = read_name(unit.name, (), unit.school_types)
    return UnitToMatch(unit.code, name, has_ceased(unit.status), tuple(unit.school_types))


def _proposal(unit: UnitToPropose, draft: SelectorDraft, settled: MatchedUnit) -> Proposal:
    return Proposal(
        code=unit.code,
        name=unit.name,
        municipality_code=unit.municipality_code or None,
        school_types=tuple(unit.school_types),
        students=draft.students,
        staff=draft.staff,
        confidence=draft.confidence,
        alternatives=tuple(alternatives(settled, has_ceased(unit.status))),
        students_reached=len(draft.pupils),
        staff_reached=len(draft.adults),
    )


def _with_rules(made: Proposal, draft: SelectorDraft, rules: ProposedRules) -> Proposal:
    return structs.replace(
        made,
        classes=rules.classes,
        teaching_groups=rules.teaching_groups,
        school_year=rules.school_year,
        class_names=rules.class_names,
        reasons=(*draft.reasons, *rules.reasons),
        confidence=lowest(made.confidence, rules.at_most),
    )


def _with_overlap(proposal: Proposal, drafts: Mapping[str, SelectorDraft]) -> Proposal:
    """The proposal, not sure if another unit's proposal chooses some of its students too."""
    ours = drafts[proposal.code].pupils
    shared = {
        code: len(ours & other.pupils)
        for code, other in drafts.items()
        if code != proposal.code and ours & other.pupils
    }
    if not shared or max(shared.values()) <= max(_FEW * len(ours), MANY):
        return proposal
    said = reason("same-people", units=", ".join(shared), count=str(max(shared.values())))
    return structs.replace(
        proposal,
        reasons=(*proposal.reasons, said),
        confidence=lowest(proposal.confidence, "unsure"),
    )


def _shapes(
    settled: MatchedUnit,
    name: SchoolName,
    ignored: frozenset[str],
    index: DirectoryIndex,
    inside: Inside,
) -> tuple[str, str]:
    students = settled.students.place if settled.students else None
    staff = settled.staff.place if settled.staff else None
    return shape_of(students, name, ignored, index, inside), shape_of(
        staff, name, ignored, index, inside
    )


def _unmatched(
    tree: OrgUnitNode, proposals: Iterable[Proposal], protected: Protected
) -> list[Unmatched]:
    """The topmost OUs with many people whom no proposal reaches, most people first."""
    chosen = {
        fold(path)
        for each in proposals
        for selector in (each.students, each.staff)
        for path in selector.org_units
    }
    chosen.update(map(fold, protected.org_units))
    above = {path[:n] for path in chosen for n, letter in enumerate(path) if letter == "/"}
    found = [
        Unmatched(node.path, people)
        for child in tree.children
        for node, people in _left_out(child, chosen, above)
    ]
    return sorted(found, key=lambda each: (-each.people, path_key(each.path)))


def _left_out(
    node: OrgUnitNode, chosen: set[str], above: set[str]
) -> Iterator[tuple[OrgUnitNode, int]]:
    path, words = fold(node.path), plain_words(node.name)
    if path in chosen or is_left(words) or is_protected(words):
        return
    if path not in above:
        if node.users_below >= MANY:
            yield node, node.users_below
        return
    if node.users >= MANY:
        yield node, node.users
    for child in node.children:
        yield from _left_out(child, chosen, above)
