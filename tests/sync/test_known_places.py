"""OUs that are renamed: selections follow them, and the names of classes are those of now."""

import json

from addon.directory.snapshot import OrgUnit, Snapshot, User
from addon.roster.select import select
from addon.sync.known_places import (
    KnownPlaces,
    as_documented,
    paths_by_role,
    place_org_units,
)
from addon.tenants.document import load_tenant

SPRING = {"a": "/Elever/7A", "b": "/Elever/8B"}
AUTUMN = {"a": "/Elever/8A", "b": "/Elever/9B", "n": "/Elever/7A"}
"""The OUs' paths by id: the classes have gone up, and there is another 7A."""


def tenant(*paths: str, year: str = "class"):
    return load_tenant(
        json.dumps(
            {
                "customerId": "C0places",
                "organisation": {"name": "Staden"},
                "schoolUnits": [
                    {
                        "code": "10000001",
                        "name": "Norra",
                        "schoolTypes": ["GR"],
                        "students": {"orgUnits": list(paths)},
                        "classes": {"from": "orgUnit", "pattern": "^/Elever/(?P<name>[^/]+)"},
                        "schoolYear": {"from": year, "pattern": "(?P<year>[0-9]+)"},
                    }
                ],
            }
        ).encode()
    )


def snapshot(paths: dict[str, str]) -> Snapshot:
    return Snapshot(
        users=tuple(User(id, f"{id}@edu.se", "Kim", "Ek", path) for id, path in paths.items()),
        groups=(),
        org_units=tuple(OrgUnit(f"ou-{id}", p, p.rpartition("/")[2]) for id, p in paths.items()),
    )


def known(document) -> KnownPlaces:
    places = place_org_units(document, KnownPlaces(), snapshot(SPRING).org_units)
    return KnownPlaces(places, paths_by_role(document.school_units))


def classes(document, before, paths=AUTUMN) -> dict[str, tuple[str, int | None]]:
    """The class and the school year of each pupil, by the id of their OU."""
    read = snapshot(paths)
    documented = as_documented(document, read, place_org_units(document, before, read.org_units))
    roster = select(document, documented)
    names = {user: group.name for group in roster.groups for user in group.students}
    return {
        id: (names[id], person.enrolments[0].school_year) for id, person in roster.people.items()
    }


def test_a_class_has_the_name_and_the_year_of_its_renamed_ou():
    for year in ("class", "orgUnit"):
        document = tenant("/Elever/7A", "/Elever/8B", year=year)
        assert classes(document, KnownPlaces(), SPRING) == {"a": ("7A", 7), "b": ("8B", 8)}
        assert classes(document, known(document)) == {"a": ("8A", 8), "b": ("9B", 9)}


def test_a_pattern_that_knows_only_the_old_name_goes_on_with_it():
    document = tenant("/Elever")
    moved = {id: path.replace("/Elever", "/Barn") for id, path in SPRING.items()}
    before = KnownPlaces(
        place_org_units(document, KnownPlaces(), (OrgUnit("top", "/Elever", "Elever"),)),
        paths_by_role(document.school_units),
    )
    read = snapshot(moved)
    org_units = (*read.org_units, OrgUnit("top", "/Barn", "Barn"))
    places = place_org_units(document, before, org_units)
    read = Snapshot(users=read.users, groups=(), org_units=org_units)
    roster = select(document, as_documented(document, read, places))
    assert {group.name for group in roster.groups} == {"7A", "8B"}


def test_a_selection_that_is_changed_means_the_ous_that_have_its_paths_now():
    """So a document that is put right after the summer is right: 7A is the new one."""
    before = known(tenant("/Elever/7A", "/Elever/8B"))
    document = tenant("/Elever/7A", "/Elever/8A", "/Elever/9B")
    assert classes(document, before) == {"a": ("8A", 8), "b": ("9B", 9), "n": ("7A", 7)}


def test_a_selection_that_is_changed_still_follows_an_ou_whose_path_nothing_has():
    before = known(tenant("/Elever/7A", "/Elever/8B"))
    document = tenant("/Elever/7A", "/Elever/8B", "/Elever/6C")
    paths = {"a": "/Elever/8A", "b": "/Elever/9B"}
    assert classes(document, before, paths) == {"a": ("8A", 8), "b": ("9B", 9)}
