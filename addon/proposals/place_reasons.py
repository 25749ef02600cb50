"""Why places are proposed for a unit, what is doubtful about them, and how sure that makes it."""

from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec import structs

from addon.proposals.confidence import Confidence, lowest
from addon.proposals.matching import Match
from addon.proposals.placement import MatchedUnit
from addon.proposals.places import ANY_CODE, Place, value_text
from addon.proposals.reasons import Reason, reason
from addon.proposals.vocabulary import Role, is_class, is_year, title_role
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Clause

_WORD: Mapping[Role, str] = {"students": "student", "staff": "staff"}
_SPLIT = {None: "shared-tree", "years": "split-by-years", "programme": "split-by-programme"}
_MOST_TITLES = 5
_SURE = 0.9
_LIKELY = 0.6


def why(match: Match) -> Reason:
    """Why a place is proposed."""
    place, word = match.place, _WORD[match.place.role]
    similarity, count = f"{min(match.score, 1.0):.0%}", str(place.people)
    if place.code:
        code = "only-unit" if place.code == ANY_CODE else "unit-code"
        return reason(code, path=place.text, count=count)
    if place.examples:
        return reason("class-groups", groups=place.text, count=count)
    if place.groups:
        return reason(f"{word}-group", group=place.groups[0], count=count, similarity=similarity)
    path = ", ".join(place.org_units)
    if place.names and not place.clauses and all(n.kinds and not n.core for n in place.names):
        return reason("only-of-kind", path=path, count=count)
    above = _whole_above(place)
    if above and not place.clauses:
        return reason("parts-of-ou", path=path, above=above, count=count)
    if not place.clauses:
        return reason(f"{word}-ou", path=path, count=count, similarity=similarity)
    return reason(
        f"{word}-attribute",
        path=path,
        attribute=place.clauses[-1].attribute,
        value=value_text(place.clauses[-1]),
        count=count,
        similarity=similarity,
    )


def _whole_above(place: Place) -> str:
    """The OU that has the school's name, if the place is classes or years below it; else empty."""
    above = {path.rpartition("/")[0] for path in place.org_units}
    names = [path.rpartition("/")[2] for path in place.org_units]
    if len(above) != 1 or not all(is_class(name) or is_year(name) for name in names):
        return ""
    return above.pop()


def why_more(more: tuple[Place, ...], groups: tuple[Place, ...]) -> Iterator[Reason]:
    """Why more places are."""
    for place in more:
        path, count = ", ".join(place.org_units), str(place.people)
        if place.names:
            yield reason("more-ou", path=path, count=count)
        else:
            above = place.org_units[0].rpartition("/")[0]
            yield reason("parts-of-ou", path=path, above=above, count=count)
    for place in groups:
        code = "guest-group" if place.role == "students" else "more-staff-group"
        yield reason(code, group=place.groups[0], count=str(place.people))


def doubts(settled: MatchedUnit, pupils: frozenset[str]) -> Iterator[Reason]:
    """What an administrator must judge about the places."""
    if settled.shared is not None:
        code = _SPLIT[settled.shared.answer]
        units = ", ".join(settled.shared.units)
        yield reason(code, path=settled.shared.path, units=units)
    if settled.students is None and settled.staff is None:
        return
    for match, code in ((settled.students, "no-students"), (settled.staff, "no-staff")):
        if match is None:
            if code == "no-students" or not settled.staff_groups:
                yield reason(code)
            continue
        if match.rivals:
            yield reason("contested", path=match.place.text, units=", ".join(match.rivals))
        for other in _open_doubts(settled, match):
            yield reason("several-places", path=match.place.text, other=other.text)
    for place in settled.unknown:
        at = settled.students if place.role == "students" else settled.staff
        if at is not None:
            yield reason("several-places", path=at.place.text, other=place.text)
    if settled.students is not None and not pupils:
        yield reason("empty", path=settled.students.place.text)
    if _is_unclear_mix(settled):
        yield reason("mixed-ou", path=settled.students.place.text if settled.students else "")


def unread_titles(
    settled: MatchedUnit, chosen: frozenset[str], index: DirectoryIndex
) -> Iterator[Reason]:
    """A doubt if titles tell staff from students, and some that the school has say neither."""
    if settled.staff is None:
        return
    place = settled.staff.place
    for clause in (c for c in place.clauses if c.operator == "in" and _tells_roles(c)):
        others = tuple(each for each in place.clauses if each is not clause)
        everybody = structs.replace(place, clauses=others).selector
        count = Counter(
            value
            for id in choose(everybody, index).chosen - chosen
            for value in index.users[id].attributes.get(clause.attribute, ())
            if title_role(value) is None
        )
        if count:
            names = ", ".join(name for name, _ in count.most_common(_MOST_TITLES))
            yield reason("titles-not-understood", names=names, count=str(count.total()))


def _tells_roles(clause: Clause) -> bool:
    """Whether the values of a clause are titles."""
    return isinstance(clause.value, tuple) and any(map(title_role, clause.value))


def _is_unclear_mix(settled: MatchedUnit) -> bool:
    """Whether students and staff may share an OU with nothing that distinguishes them."""
    if settled.students is None or not settled.students.place.mixed:
        return False
    return settled.staff is None and not settled.staff_groups


def _open_doubts(settled: MatchedUnit, match: Match) -> list[Place]:
    more = (
        *settled.more_students,
        *settled.more_staff,
        *settled.staff_groups,
        *settled.guest_groups,
    )
    return [place for place in match.doubts if place not in more]


def confidence_of(
    settled: MatchedUnit, pupils: frozenset[str], adults: frozenset[str]
) -> Confidence:
    """How sure the places are."""
    matches = [match for match in (settled.students, settled.staff) if match is not None]
    if not matches:
        return "none"
    if settled.students is None or not pupils or _is_unclear_mix(settled):
        return "unsure"
    if settled.shared is not None and settled.shared.answer is None:
        return "unsure"
    found = [_of_match(match, settled) for match in matches]
    if settled.completed or settled.unknown:
        found.append("likely")
    if not adults:
        found.append("unsure" if settled.staff_somewhere else "likely")
    return lowest(*found)


def _of_match(match: Match, settled: MatchedUnit) -> Confidence:
    if match.rivals or _open_doubts(settled, match) or match.score < _LIKELY:
        return "unsure"
    return "sure" if match.score >= _SURE else "likely"
