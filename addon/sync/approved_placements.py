"""Unconfirmed placements that end because a person has approved the removals that they wait for."""

from msgspec import structs

from addon.planning.limits import Approval
from addon.roster.placements import GroupId, KnownGroup, Placements
from addon.ss12000.mapping import ResourceMapper


def without_approved(kept: Placements, approved: Approval, mapper: ResourceMapper) -> Placements:
    """Return the unconfirmed placements whose removal a person has not approved."""
    people = {
        user: person
        for user, person in kept.people.items()
        if mapper.user_id(user) not in approved.people
    }
    groups: dict[GroupId, KnownGroup] = {}
    for key, group in kept.groups.items():
        group_id, activity_id = mapper.group_ids(key)
        if group_id in approved.removals("StudentGroup"):
            continue
        teachers = () if activity_id in approved.removals("Activity") else group.teachers
        ended = approved.memberships.get(group_id, frozenset())
        left = structs.replace(
            group,
            students=tuple(s for s in group.students if mapper.user_id(s) not in ended),
            teachers=tuple(t for t in teachers if mapper.user_id(t) not in ended),
        )
        if left.members or not group.members:
            groups[key] = left
    left_of = Placements(people, groups, kept.years)
    classes = {pair: kept.classes[pair] for pair in left_of.in_classes & kept.classes.keys()}
    return structs.replace(left_of, classes=classes)
