"""What holds for every directory, however odd."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from addon.directory.snapshot import Group, Snapshot, User
from addon.roster.select import select
from addon.tenants.model import Protected, YearRule
from tests.roster.builders import (
    CLASS_GROUP,
    CLASS_OU,
    TEACHING_GROUP,
    department,
    ou,
    people_in,
    tenant,
    unit,
    where,
)

IDS = [f"u{n}" for n in range(1, 12)]
PATHS = [
    "/",
    "/A",
    "/A/7A",
    "/A/7A/x",
    "/A B/7A",
    "/B/7a",
    "/B/8B",
    "/B/Slutat",
    "/P",
    "/S",
    "/S/x",
]
ADDRESSES = ["klass-7a@x.se", "klass-7b@x.se", "norra-ma@x.se", "larare@x.se", "skyddade@x.se"]
STAYS = where("orgUnitPath", "notContains", "/slutat")

DOCUMENT = tenant(
    unit(
        "1",
        people_in("/A", filters=((STAYS,),)),
        people_in("/P", "larare@x.se"),
        classes=CLASS_OU,
        teaching_groups=TEACHING_GROUP,
        school_year=YearRule(source="class", pattern="^(?P<year>.)"),
    ),
    unit(
        "2",
        people_in("/B", "/A/7A", "klass-7b@x.se", filters=((STAYS,),)),
        people_in("/P"),
        classes=CLASS_GROUP,
        teaching_groups=department(),
    ),
    protected=Protected(groups=("skyddade@x.se",), org_units=("/S",)),
)

names = st.sampled_from(["Åsa", "D'Arc", " ", ""])
users = st.builds(
    User,
    id=st.sampled_from(IDS),
    primary_email=st.sampled_from(["a@x.se", "b@y.se", "broken"]),
    given_name=names,
    family_name=names,
    org_unit_path=st.sampled_from(PATHS),
    suspended=st.booleans(),
    archived=st.sampled_from([False, False, True]),
    deleted=st.sampled_from([False, False, False, True]),
    attributes=st.dictionaries(
        st.just("organizations.department"), st.sampled_from([("7A",), ("7A", "Ma"), ("",)])
    ),
)
groups = st.builds(
    Group,
    id=st.sampled_from(ADDRESSES),
    email=st.sampled_from(ADDRESSES),
    name=st.sampled_from(["", "Sju A"]),
    members=st.none() | st.frozensets(st.sampled_from([*IDS, "elsewhere"])),
    everyone=st.sampled_from([False, False, False, False, True]),
)
snapshots = st.builds(
    Snapshot,
    users=st.lists(users, max_size=12, unique_by=lambda u: u.id).map(tuple),
    groups=st.lists(groups, max_size=6, unique_by=(lambda g: g.id, lambda g: g.email)).map(tuple),
    org_units=st.lists(st.sampled_from(PATHS).map(ou), unique_by=lambda o: o.id).map(tuple),
    protected=st.frozensets(st.sampled_from(IDS), max_size=3),
    domains=st.sampled_from([(), ("x.se",)]),
)


def placed(roster) -> set[str]:
    in_groups = {id for g in roster.groups for id in (*g.students, *g.teachers)}
    return roster.people.keys() | in_groups


@given(snapshots, st.randoms())
def test_the_order_of_the_reading_does_not_matter(reading, random):
    def shuffled(things):
        return tuple(random.sample(things, len(things)))

    other = replace(
        reading,
        users=shuffled(reading.users),
        groups=shuffled(reading.groups),
        org_units=shuffled(reading.org_units),
    )
    first, second = select(DOCUMENT, reading), select(DOCUMENT, other)
    assert first == second
    assert list(first.people) == list(second.people)


@given(snapshots)
def test_a_user_read_twice_is_a_user_read_once(reading):
    twice = replace(reading, users=reading.users * 2, groups=reading.groups * 2)
    assert select(DOCUMENT, twice) == select(DOCUMENT, reading)


@given(snapshots)
def test_every_user_is_sent_or_left_out_or_protected_and_only_one_of_them(reading):
    roster = select(DOCUMENT, reading)
    for user in reading.users:
        homes = [user.id in home for home in (roster.people, roster.left_out, roster.protected)]
        assert homes.count(True) == 1
    assert roster.people.keys() | roster.left_out.keys() <= {u.id for u in reading.users}


@given(snapshots)
def test_nobody_protected_is_placed_or_told_of(reading):
    roster = select(DOCUMENT, reading)
    hidden = {u.id for u in reading.users if u.org_unit_path.startswith("/S")}
    for group in reading.groups:
        if group.email == "skyddade@x.se":
            hidden |= group.members or set()
    assert reading.protected | hidden <= roster.protected
    assert not roster.protected & placed(roster)
    assert not roster.protected & {f.subject for f in roster.findings}
    assert not roster.protected & roster.left_out.keys()


@given(snapshots)
def test_what_the_protected_are_changes_nothing_but_who_is_protected(reading):
    """No finding, count or group tells that somebody is there."""
    roster = select(DOCUMENT, reading)
    without = replace(
        reading,
        users=tuple(u for u in reading.users if u.id not in roster.protected),
        groups=tuple(
            replace(g, members=g.members and g.members - roster.protected) for g in reading.groups
        ),
        protected=frozenset(),
    )
    assert replace(select(DOCUMENT, without), protected=roster.protected) == roster


@given(snapshots)
def test_nobody_inactive_is_placed(reading):
    inactive = {u.id for u in reading.users if u.suspended or u.archived or u.deleted}
    assert not inactive & placed(select(DOCUMENT, reading))


@given(snapshots)
def test_groups_hold_only_the_people_of_their_unit_and_never_nobody(reading):
    roster = select(DOCUMENT, reading)
    for group in roster.groups:
        assert group.students
        assert list(group.students) == sorted(set(group.students))
        assert list(group.teachers) == sorted(set(group.teachers))
        for id in group.students:
            assert group.unit in [e.unit for e in roster.people[id].enrolments]
        for id in group.teachers:
            assert group.unit in roster.people[id].employments


@given(snapshots)
def test_a_group_has_an_identity_of_its_own(reading):
    roster = select(DOCUMENT, reading)
    identities = [(g.unit, g.source, g.source_id) for g in roster.groups]
    assert len(identities) == len(set(identities))


@given(snapshots)
def test_a_person_is_a_student_or_staff_and_can_be_sent(reading):
    for person in select(DOCUMENT, reading).people.values():
        assert bool(person.enrolments) != bool(person.employments)
        assert person.given_name.strip()
        assert person.family_name.strip()
        assert "@" in person.primary_email
