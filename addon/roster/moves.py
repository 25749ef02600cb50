"""What has changed between two readings: who came to and left which unit and group. Pure."""

from collections.abc import Mapping, Set

from msgspec import Struct

from addon.roster.placements import GroupId, KnownGroup, KnownPerson, Placements

NOBODY = KnownGroup("class", ())


class GroupMoves(Struct, frozen=True, array_like=True, gc=False):
    """Who joined and who left a group, by user id: its students, and its teachers."""

    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    teachers_joined: tuple[str, ...] = ()
    teachers_left: tuple[str, ...] = ()


class Moves(Struct, frozen=True):
    """What has changed since the reading before; empty when none is known.

    `before` are the earlier placements of everybody who is placed in another way now, or nowhere.
    `groups` are the groups whose members are others now.
    """

    before: Mapping[str, KnownPerson] = {}
    groups: Mapping[GroupId, GroupMoves] = {}


def moves_between(before: Placements, now: Placements, protected: Set[str]) -> Moves:
    """Return what has changed from `before` to `now`; the protected are left out."""
    people = {
        user: person
        for user, person in before.people.items()
        if user not in protected and now.people.get(user) != person
    }
    groups = {
        key: found
        for key in {**before.groups, **now.groups}
        if (found := _moves_of(before.groups.get(key), now.groups.get(key), protected)) is not None
    }
    return Moves(people, groups)


def _moves_of(
    before: KnownGroup | None, now: KnownGroup | None, protected: Set[str]
) -> GroupMoves | None:
    if before == now:
        return None
    before, now = before or NOBODY, now or NOBODY
    found = GroupMoves(
        _more(now.students, before.students, protected),
        _more(before.students, now.students, protected),
        _more(now.teachers, before.teachers, protected),
        _more(before.teachers, now.teachers, protected),
    )
    return None if found == GroupMoves() else found


def _more(some: tuple[str, ...], others: tuple[str, ...], protected: Set[str]) -> tuple[str, ...]:
    """Return those of `some` who are not among `others`."""
    left = frozenset(protected).union(others)
    return tuple(user for user in some if user not in left)
