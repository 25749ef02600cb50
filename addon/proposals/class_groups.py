"""Schools that only the addresses of their class groups name: norra.1a@, klass-7a-norra@."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set

from addon.directory.snapshot import Group
from addon.proposals.names import SchoolName, read_name
from addon.proposals.pattern_candidates import CLASS_TOKEN, SEPARATORS, local_part, past_groups
from addon.proposals.pattern_words import class_groups_pattern
from addon.proposals.places import Place
from addon.proposals.roles import RoleScope
from addon.proposals.unit_codes import UnitCodes, without_code
from addon.proposals.vocabulary import (
    is_left,
    is_protected,
    plain_words,
    term_in,
    without_term,
)
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Clause

_TOKEN = re.compile(CLASS_TOKEN)
_LETTER_AND_DIGIT = re.compile(r"(?=.*\d)(?=.*[a-zåäö])")
_SAYS_CLASS = frozenset("klass class kl klasser elever elev students grupp".split())
_FEWEST_GROUPS = 2
_EXAMPLES = 3
_CLASS_SIZE = range(3, 60)
_MOST_ALIKE = 0.8
_FEW_OUTSIDE = 0.05
_ALL = RoleScope("students", org_units=("/",))

Template = tuple[str, str]
"""What stands before and after the class in a group's address."""


def class_group_places(
    index: DirectoryIndex,
    scope: RoleScope | None,
    staff: Set[str],
    ignored: Collection[str],
    codes: UnitCodes,
) -> dict[Place, frozenset[str]]:
    """The places of students that class groups make, with the school as the address names it.

    Each has the ids of its people. `scope` is where all students are, if that is known. A place
    without names is that of groups that name no school, which can be the only unit's. The `staff`
    (ids) in class groups are their teachers.
    """
    found: dict[Place, frozenset[str]] = {}
    everybody = choose(scope.selector, index).chosen if scope else frozenset()
    for (before, after), groups in _by_template(index.groups, index.autumn).items():
        members = {id for group in groups for id in index.members[group.id]} & index.users.keys()
        members -= staff
        if len(groups) < _FEWEST_GROUPS or len(members) // len(groups) not in _CLASS_SIZE:
            continue
        holds = scope is not None and len(members - everybody) <= _FEW_OUTSIDE * len(members)
        base = scope if scope and scope.org_units and holds else _ALL
        code = codes.of_text(f"{before} {after}")
        names = _names(before, after, groups, ignored)
        pattern = class_groups_pattern(before, after)
        clause = Clause(attribute="groups", operator="matches", value=pattern)
        place = Place(
            role="students",
            names=names,
            org_units=base.org_units,
            clauses=(*base.clauses, clause),
            people=len(members),
            code=code,
            examples=tuple(sorted(group.email for group in groups)[:_EXAMPLES]),
        )
        found[place] = frozenset(members & everybody if base is scope else members)
    return found


def names_class(group: Group) -> bool:
    """Whether a group's address has a class in it, and does not say that its people have left."""
    words = (*plain_words(local_part(group)), *plain_words(group.name))
    closed = is_left(words) or is_protected(words)
    return not closed and _template(local_part(group).lower()) is not None


def _by_template(groups: Sequence[Group], autumn: int | None) -> Mapping[Template, list[Group]]:
    found: dict[Template, list[Group]] = {}
    past = past_groups(groups, autumn)
    for group in groups:
        if group.everyone or group.id in past:
            continue
        template = _template(local_part(group).lower())
        if template is not None and names_class(group):
            found.setdefault(template, []).append(group)
    return found


def _template(local: str) -> Template | None:
    """What is around the class in an address: the part with letters and digits, else any."""
    parts = SEPARATORS.split(local)
    at = [
        n for n in range(0, len(parts), 2) if _TOKEN.fullmatch(parts[n]) and not term_in(parts[n])
    ]
    if not at:
        return None
    both = [n for n in at if _LETTER_AND_DIGIT.match(parts[n])]
    chosen = (both or at)[-1] if _SAYS_CLASS.isdisjoint(parts) else (both or at)[0]
    return "".join(parts[:chosen]), "".join(parts[chosen + 1 :])


def _names(
    before: str, after: str, groups: Sequence[Group], ignored: Collection[str]
) -> tuple[SchoolName, ...]:
    """The school's name as the addresses have it, and as the groups' own names have it."""
    words = [w for w in plain_words(_said(f"{before} {after}")) if w not in _SAYS_CLASS]
    found = [read_name(" ".join(words), ignored)]
    rests: Counter[str] = Counter()
    for group in groups:
        rests[
            " ".join(
                word
                for word in plain_words(_said(group.name))
                if word not in _SAYS_CLASS and not _TOKEN.fullmatch(word)
            )
        ] += 1
    rest, times = rests.most_common(1)[0]
    if rest and times >= _MOST_ALIKE * len(groups):
        found.append(read_name(rest, ignored))
    return tuple(dict.fromkeys(name for name in found if name.tells))


def _said(text: str) -> str:
    return without_term(without_code(text))
