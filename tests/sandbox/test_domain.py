"""The generated municipality, and the rules that the story methods keep."""

import json
import re
from collections import Counter

import msgspec
import pytest

from addon.sandbox.documents import tenant_document
from addon.sandbox.domain import Domain, SandboxError
from addon.sandbox.google_objects import user_id
from addon.sandbox.municipality import generate
from addon.sandbox.municipality.names import plain
from addon.tenants.model import Tenant

GENERATED = generate()
SCHOOL = "edu.storkoping.se"


@pytest.fixture
def domain() -> Domain:
    return Domain.from_json(
        {
            "orgUnits": ["/Elever/Norra/7A", "/Elever/Norra/7B", "/Personal"],
            "users": [
                {
                    "primaryEmail": "ada@edu.storkoping.se",
                    "name": {"givenName": "Ada", "familyName": "Ek"},
                    "orgUnitPath": "/Elever/Norra/7A",
                },
                {"primaryEmail": "bo@edu.storkoping.se", "orgUnitPath": "/Elever/Norra/7B"},
                {"primaryEmail": "siv@edu.storkoping.se", "orgUnitPath": "/Personal"},
            ],
            "groups": [{"email": "ma@edu.storkoping.se"}, {"email": "lista@edu.storkoping.se"}],
            "members": {
                "ma@edu.storkoping.se": [
                    "lista@edu.storkoping.se",
                    {"email": "siv@edu.storkoping.se", "role": "OWNER"},
                    "ute@gmail.com",
                ],
                "lista@edu.storkoping.se": ["ada@edu.storkoping.se", "ma@edu.storkoping.se"],
            },
        }
    )


def user(domain: Domain, name: str) -> dict:
    found = domain.find_user(f"{name}@edu.storkoping.se")
    assert found is not None
    return found


def addresses(members: list[dict]) -> set[str]:
    return {member["email"].partition("@")[0] for member in members}


# The generator


def test_the_same_seed_gives_the_same_domain():
    assert generate(seed=1).to_json() == GENERATED.to_json()
    assert generate(seed=2).to_json() != GENERATED.to_json()


@pytest.mark.parametrize(("students", "staff"), [(0, 0), (1, 1), (30, 4), (2500, 300)])
def test_a_municipality_of_any_size_has_the_people_asked_for(students, staff):
    domain = generate(students, staff, others=False)
    titles = Counter(
        user.get("organizations", [{"title": "Elev"}])[0]["title"]
        for user in domain.users.values()
        if not user["primaryEmail"].startswith(("ipad-", "skolsynk@"))
    )
    assert titles.pop("Elev", 0) == students
    assert sum(titles.values()) == staff


def test_the_number_of_groups_can_be_chosen():
    assert len(generate(3000, 300, groups=400).groups) == 400


def test_a_domain_survives_json():
    written = json.loads(json.dumps(GENERATED.to_json()))
    assert Domain.from_json(written).to_json() == GENERATED.to_json()


def test_identities_look_like_googles_and_are_unique():
    assert all(re.fullmatch(r"\d{21}", identity) for identity in GENERATED.users)
    assert all(re.fullmatch(r"id:03ph8a2z[a-z0-9]+", identity) for identity in GENERATED.org_units)
    assert all(re.fullmatch(r"01[a-z0-9]+", identity) for identity in GENERATED.groups)


def test_each_unit_keeps_its_classes_in_its_own_way():
    assert {unit.style for unit in GENERATED.units} == {
        "classOrgUnits",
        "yearOrgUnits",
        "classGroups",
        "schemaField",
        "department",
        "startYears",
        "sharedTree",
        "groupsOnly",
    }
    assert {kind for unit in GENERATED.units for kind in unit.school_types} == {
        "FKLASS",
        "GR",
        "FTH",
        "GRAN",
        "GY",
        "VUX",
    }
    assert all(re.fullmatch(r"\d{8}", unit.code) for unit in GENERATED.units)
    assert GENERATED.users_directly_in("/Elever/Norra skolan/7A")
    assert GENERATED.users_directly_in("/Södra skolan/Elever/Åk 7/7A")
    assert GENERATED.members_of(f"gy-klass-na24a@{SCHOOL}")


def test_the_schools_of_other_habits_grow_with_the_municipality_and_are_named_for_the_year():
    small, large = (generate(n, 40, autumn=2030) for n in (240, 3000))
    assert len(small.users_directly_in("/Grundskolor/Fridhemsskolan/Elever/FA")) == 5
    assert len(large.users_directly_in("/Grundskolor/Fridhemsskolan/Elever/FA")) == 22
    assert small.users_directly_in("/Gymnasieskolor/Bergagymnasiet/Elever/NA28A")
    assert small.users_directly_in("/Grundskolor/Fridhemsskolan/Elever 2029-2030/3A")
    assert small.members_of(f"klass-4a-kulla@{SCHOOL}")
    assert [u.name for u in small.units[:2]] == ["Norra skolan", "Södra skolan"]


def test_the_mess_of_reality_is_there():
    users = list(GENERATED.users.values())
    assert any(user["suspended"] for user in users)
    assert any(user["archived"] for user in users)
    assert any("familyName" not in user["name"] for user in users)
    assert GENERATED.find_user(f"ipad-03@{SCHOOL}")
    assert GENERATED.users_directly_in("/Elever/Norra skolan")
    assert GENERATED.users_directly_in("/Elever/Norra skolan/Slutat")
    assert GENERATED.users_directly_in("/Södra skolan/Elever/Åk 8/7A")
    assert GENERATED.users_directly_in("/Skyddade")
    assert len(GENERATED.members_of(f"skyddade@{SCHOOL}")) == 3
    assert GENERATED.members_of(f"norra-schack@{SCHOOL}") == []
    members = [each for group in GENERATED.groups for each in GENERATED.members_of(group)]
    assert "extern.kollega@gmail.com" in {each.get("email") for each in members}
    assert {each["type"] for each in members} == {"USER", "GROUP", "CUSTOMER"}


def test_students_and_teachers_are_hitat_two_schools():
    north, south = GENERATED.units[:2]
    guests = GENERATED.members_of(south.guest_group)
    teachers = GENERATED.members_of(south.staff_group)
    places = {GENERATED.users[each["id"]]["orgUnitPath"] for each in (*guests, *teachers)}
    assert any(place.startswith(north.student_org_unit) for place in places)
    assert north.staff_org_unit in places


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("O'Connor", "oconnor"),
        ("Åsa Ö", "asa-o"),
        ("Łukasz", "lukasz"),
        ("Yılmaz-Groß", "yilmaz-gross"),
    ],
)
def test_names_become_addresses(text, address):
    assert plain(text) == address


@pytest.mark.parametrize("students", [30, 600, 5000])
def test_the_tenant_document_is_a_right_one_at_any_size(students):
    domain = generate(students, 40)
    tenant = msgspec.convert(tenant_document(domain), Tenant)
    assert [unit.code for unit in tenant.school_units] == [unit.code for unit in domain.units]
    for unit in tenant.school_units:
        assert all(map(domain.find_org_unit, unit.students.org_units + unit.staff.org_units))
        assert all(map(domain.find_group, unit.students.groups + unit.staff.groups))
    assert [connection.vendor for connection in tenant.connections] == ["binogi", "gleerups"]


def test_the_documents_rules_find_the_classes():
    found = {}
    for unit in msgspec.convert(tenant_document(GENERATED), Tenant).school_units:
        assert unit.classes is not None
        pattern = re.compile(unit.classes.pattern)
        texts = {
            "orgUnit": [each["orgUnitPath"] for each in GENERATED.org_units.values()],
            "group": [each["email"] for each in GENERATED.groups.values()],
            "attribute": [],
        }[unit.classes.source]
        below = [
            text
            for text in texts
            if unit.classes.source == "group" or text.startswith(unit.students.org_units)
        ]
        matches = [hit for text in below if (hit := pattern.search(text))]
        found[unit.code] = {match[1] for match in matches}
    north, south, upper = [found[unit.code] for unit in GENERATED.units[:3]]
    assert south == {f"{year}A" for year in range(10)}
    assert north - {"Slutat"} == south
    assert "na24a" in upper


# What a person writes


def test_what_is_left_out_is_filled_in(domain):
    ada = user(domain, "ada")
    assert ada["suspended"] is False
    assert ada["name"] == {"givenName": "Ada", "familyName": "Ek", "fullName": "Ada Ek"}
    assert domain.find_org_unit("/Elever")["name"] == "Elever"
    assert domain.find_org_unit("Elever/Norra/7A") is domain.find_org_unit("/elever/norra/7a")


def test_an_identity_that_is_given_is_kept():
    given = {"users": [{"primaryEmail": "a@edu.storkoping.se", "id": "7"}]}
    assert list(Domain.from_json(given).users) == ["7"]


def test_nested_groups_are_resolved_even_in_a_circle(domain):
    derived = domain.members_of("ma@edu.storkoping.se", derived=True)
    assert addresses(derived) == {"lista", "siv", "ute", "ada", "ma"}
    assert addresses(domain.members_of("ma@edu.storkoping.se")) == {"lista", "siv", "ute"}


# The story


def test_a_renamed_ou_takes_everyone_below_with_it(domain):
    before = domain.find_org_unit("/Elever/Norra/7A")["orgUnitId"]
    domain.rename_org_unit("/Elever", "Barn")
    assert user(domain, "ada")["orgUnitPath"] == "/Barn/Norra/7A"
    assert domain.find_org_unit("/Barn/Norra/7A")["orgUnitId"] == before
    assert domain.find_org_unit("/Barn/Norra/7A")["parentOrgUnitPath"] == "/Barn/Norra"
    assert domain.find_org_unit("/Elever") is None
    assert domain.users_in("/Barn") == [user(domain, "ada"), user(domain, "bo")]


def test_a_moved_ou_keeps_its_name_and_identity(domain):
    before = domain.find_org_unit("/Elever/Norra")["orgUnitId"]
    domain.move_org_unit("/Elever/Norra", "/")
    assert user(domain, "bo")["orgUnitPath"] == "/Norra/7B"
    assert domain.find_org_unit("/Norra")["orgUnitId"] == before
    with pytest.raises(SandboxError):
        domain.move_org_unit("/Norra", "/Norra/7A")


def test_a_changed_address_leaves_an_alias_and_is_seen_in_groups(domain):
    ada = user(domain, "ada")
    domain.change_address("ada@edu.storkoping.se", "ada.berg@edu.storkoping.se")
    assert domain.find_user("ada@edu.storkoping.se") is ada
    assert ada["primaryEmail"] == "ada.berg@edu.storkoping.se"
    assert ada["aliases"] == ["ada@edu.storkoping.se"]
    assert "ada.berg" in addresses(domain.members_of("lista@edu.storkoping.se"))
    with pytest.raises(SandboxError):
        domain.change_address("bo@edu.storkoping.se", "ada@edu.storkoping.se")


def test_an_address_that_is_left_without_an_alias_is_free_for_another(domain):
    domain.change_address("ada@edu.storkoping.se", "ada.berg@edu.storkoping.se", alias=False)
    domain.change_address("bo@edu.storkoping.se", "ada@edu.storkoping.se")
    assert user(domain, "ada")["id"] == domain.find_user("bo@edu.storkoping.se")["id"]
    assert "aliases" not in domain.find_user("ada.berg@edu.storkoping.se")


def test_a_renamed_user_keeps_what_is_not_renamed(domain):
    domain.rename_user("ada@edu.storkoping.se", family_name="Berg")
    assert user(domain, "ada")["name"]["fullName"] == "Ada Berg"
    domain.rename_user("ada@edu.storkoping.se", family_name="")
    assert user(domain, "ada")["name"] == {"givenName": "Ada", "fullName": "Ada"}


def test_a_removed_user_leaves_all_groups(domain):
    gone = user(domain, "ada")["id"]
    domain.remove_user("ada@edu.storkoping.se")
    assert domain.find_user("ada@edu.storkoping.se") is None
    assert "ada" not in addresses(domain.members_of("lista@edu.storkoping.se"))
    assert domain.find_group("lista@edu.storkoping.se")["directMembersCount"] == "1"
    assert domain.deleted[gone]["deletionTime"]


def test_a_suspended_user_is_suspended_as_a_member_too(domain):
    domain.suspend("siv@edu.storkoping.se")
    assert user(domain, "siv")["suspended"] is True
    member = domain.members["01" + domain.find_group("ma@edu.storkoping.se")["id"][2:]]
    assert member[user(domain, "siv")["id"]]["status"] == "SUSPENDED"
    domain.suspend("siv@edu.storkoping.se", suspended=False)
    assert user(domain, "siv")["suspended"] is False


def test_a_renamed_group_keeps_its_identity_and_old_address(domain):
    before = domain.find_group("ma@edu.storkoping.se")["id"]
    domain.rename_group("ma@edu.storkoping.se", email="matte@edu.storkoping.se", name="Matte")
    assert domain.find_group("ma@edu.storkoping.se")["id"] == before
    assert domain.find_group("matte@edu.storkoping.se")["name"] == "Matte"
    assert "matte" in addresses(domain.members_of("lista@edu.storkoping.se"))


def test_members_come_and_go(domain):
    domain.add_member("ma@edu.storkoping.se", "bo@edu.storkoping.se")
    assert domain.groups_with("bo@edu.storkoping.se") == [domain.find_group("ma@edu.storkoping.se")]
    domain.remove_member("ma@edu.storkoping.se", "bo@edu.storkoping.se")
    domain.remove_member("ma@edu.storkoping.se", "ute@gmail.com")
    assert domain.find_group("ma@edu.storkoping.se")["directMembersCount"] == "2"


def test_a_new_user_joins_their_groups(domain):
    domain.add_user(
        {"primaryEmail": "eva@edu.storkoping.se", "orgUnitPath": "/Elever/Norra/7A"},
        groups=["ma@edu.storkoping.se"],
    )
    assert "eva" in addresses(domain.members_of("ma@edu.storkoping.se"))
    with pytest.raises(SandboxError):
        domain.add_user({"primaryEmail": "lista@edu.storkoping.se"})
    with pytest.raises(SandboxError):
        domain.add_user({"primaryEmail": "ny@edu.storkoping.se", "orgUnitPath": "/Finns inte"})


def test_a_moved_user_is_hitin_the_new_ou_only(domain):
    domain.move_user("ada@edu.storkoping.se", "/Elever/Norra/7B")
    assert domain.users_directly_in("/Elever/Norra/7A") == []
    assert len(domain.users_directly_in("/Elever/Norra/7B")) == 2


def test_an_identity_is_never_used_twice(domain):
    before = domain.find_org_unit("/Elever/Norra/7A")["orgUnitId"]
    domain.rename_org_unit("/Elever/Norra/7A", "8A")
    assert domain.add_org_unit("/Elever/Norra/7A")["orgUnitId"] != before
    gone = user(domain, "ada")["id"]
    domain.remove_user(gone)
    assert domain.add_user({"primaryEmail": "ada@edu.storkoping.se"})["id"] != gone
    assert Domain.from_json(domain.to_json()).to_json() == domain.to_json()


def test_what_cannot_be_done_changes_nothing(domain):
    before = json.dumps(domain.to_json())
    ghost = {"primaryEmail": "ny@edu.storkoping.se", "aliases": ["bo@edu.storkoping.se"]}
    for attempt in (
        lambda: domain.add_user(ghost),
        lambda: domain.add_user({"primaryEmail": "ny@edu.storkoping.se"}, groups=["x@y.se"]),
        lambda: domain.add_group({"email": "ny@edu.storkoping.se"}, ["nobody"]),
        lambda: domain.rename_org_unit("/Elever/Norra/7A", "7b"),
        lambda: domain.remove_org_unit("/Elever"),
        lambda: domain.remove_member("ma@edu.storkoping.se", "bo@edu.storkoping.se"),
    ):
        with pytest.raises(SandboxError):
            attempt()
    assert json.dumps(domain.to_json()) == before
    assert domain.add_user({"primaryEmail": "ny@edu.storkoping.se"})["id"] == user_id(
        "ny@edu.storkoping.se"
    )


def test_each_change_is_a_new_version(domain):
    before = domain.version
    domain.update_user("ada@edu.storkoping.se", {"customSchemas": {"Skola": {"klass": "7A"}}})
    assert domain.version == before + 1
