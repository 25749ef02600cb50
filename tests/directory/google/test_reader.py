"""What is read for a document, over the sandbox's Directory API."""

from collections.abc import Iterator
from typing import Any
from unicodedata import normalize

import msgspec
import pytest

from addon.directory.google.reader import read
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.documents import tenant_document
from addon.sandbox.domain import Domain
from addon.sandbox.municipality import generate
from addon.tenants.model import Tenant
from tests.directory.school import (
    AT,
    TEACHERS,
    asked,
    id_of,
    members,
    members_asked,
    names,
    person,
    reading,
    school,
    source,
    tenant,
)

MA = f"7a-ma{AT}"


@pytest.fixture
def server() -> Iterator[DirectoryServer]:
    with DirectoryServer(school()) as server:
        yield server


def selecting(**students: Any) -> Tenant:
    return tenant({"students": students})


def filtering(attribute: str, operator: str, value: Any) -> Tenant:
    clause = {"attribute": attribute, "operator": operator, "value": value}
    return selecting(orgUnits=["/Elever"], filters=[[clause]])


def in_groups(pattern: str, **more: Any) -> Tenant:
    rule = {"teachingGroups": {"from": "group", "pattern": pattern}}
    return tenant({"students": {"orgUnits": ["/Elever"]}, **rule, **more})


# Organisational units


def test_only_people_in_the_selected_ous_are_read(server: DirectoryServer):
    snapshot = reading(server)

    assert names(snapshot) == ["ada", "bo", "cy"]
    assert len(asked(server, "/users")) == 1


def test_each_selected_ou_is_read_on_its_own(server: DirectoryServer):
    document = tenant(
        {
            "students": {"orgUnits": ["/Elever/7A", "/Elever/8A"]},
            "staff": {"orgUnits": ["/Personal"]},
        }
    )

    assert names(reading(server, document)) == ["ada", "bo", "cy", "di"]
    queries = sorted(request.query["query"] for request in asked(server, "/users"))
    assert queries == [
        "orgUnitPath='/Elever/7A'",
        "orgUnitPath='/Elever/8A'",
        "orgUnitPath='/Personal'",
    ]


def test_the_root_is_the_whole_customer(server: DirectoryServer):
    assert names(reading(server, selecting(orgUnits=["/"]))) == ["ada", "bo", "cy", "di", "ed"]
    assert "query" not in asked(server, "/users")[0].query


def test_an_ou_that_is_not_there_selects_nobody(server: DirectoryServer):
    assert reading(server, selecting(orgUnits=["/Finns inte"])).users == ()
    assert asked(server, "/users") == []


@pytest.mark.parametrize("path", ["/O'Neills skola", "/Bak\\streck", '/"Citat"', "/A & B + C=D %"])
def test_an_ou_may_have_any_character_in_its_name(path: str):
    with DirectoryServer(school(users=[person("ada", path)])) as server:
        assert names(reading(server, selecting(orgUnits=[path]))) == ["ada"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("other", ["NFC", "NFD"])
def test_swedish_letters_are_the_same_however_they_are_composed(form: Any, other: Any):
    place = "/Ångsö/Ära"
    domain = school(users=[person("ada", normalize(form, place))])
    with DirectoryServer(domain) as server:
        snapshot = reading(server, selecting(orgUnits=[normalize(other, place)]))

    assert [user.org_unit_path for user in snapshot.users] == [place]
    assert place in {unit.path for unit in snapshot.org_units}


def test_an_ou_is_the_same_in_capitals(server: DirectoryServer):
    assert names(reading(server, selecting(orgUnits=["/ELEVER/7a/"]))) == ["ada", "bo"]


def test_ous_come_with_their_lasting_ids(server: DirectoryServer):
    before = {unit.name: unit.id for unit in reading(server).org_units}
    server.domain.rename_org_unit("/Elever/7A", "8B")
    after = {unit.name: unit.id for unit in reading(server).org_units}

    assert after["8B"] == before["7A"]


# Users


def test_a_user_has_what_is_needed(server: DirectoryServer):
    server.domain.suspend(f"ada{AT}")
    server.domain.archive(f"bo{AT}")
    ada, bo, cy = sorted(reading(server).users, key=lambda user: user.primary_email)

    assert (ada.id, ada.given_name, ada.family_name) == (id_of("ada"), "Ada", "Ek")
    assert (ada.suspended, bo.suspended, bo.archived, cy.archived) == (True, False, True, False)
    assert ada.org_unit_path == "/Elever/7A"
    assert ada.attributes == {}


def test_all_pages_are_read():
    people = [person(f"elev{number}", "/Elever") for number in range(1100)]
    with DirectoryServer(school(users=people, members={})) as server:
        assert len(reading(server).users) == 1100
        assert len(asked(server, "/users")) == 3


def test_answers_are_partial(server: DirectoryServer):
    reading(server, in_groups("^7a"), threads=1)

    assert all("fields" in request.query for request in server.requests)
    assert asked(server, "/users")[0].query["fields"] == (
        "users(id,primaryEmail,name,orgUnitPath,suspended,archived,deletionTime),nextPageToken"
    )


def test_an_attribute_is_read_when_a_filter_mentions_it():
    people = [person("ada", "/Elever", organizations=[{"department": "7A", "title": "Elev"}])]
    with DirectoryServer(school(users=people, members={})) as server:
        [ada] = reading(server, filtering("organizations.department", "isNotEmpty", None)).users
        assert ada.attributes == {"organizations.department": ("7A",)}
        assert ",organizations)" in asked(server, "/users")[0].query["fields"]


def test_custom_schemas_are_read_only_when_mentioned():
    schemas = {"Skola": {"klass": "7A"}, "Hemligt": {"kod": "1"}}
    with DirectoryServer(
        school(users=[person("ada", "/Elever", customSchemas=schemas)], members={})
    ) as server:
        reading(server)
        first = asked(server, "/users")[0].query
        assert first["projection"] == "basic"
        assert "customFieldMask" not in first
        assert "customSchemas" not in first["fields"]

        server.forget_requests()
        [ada] = reading(server, filtering("customSchemas.Skola.klass", "equals", "7A")).users
        second = asked(server, "/users")[0].query
        assert (second["projection"], second["customFieldMask"]) == ("custom", "Skola")
        assert ada.attributes == {"customSchemas.Skola.klass": ("7A",)}


# Groups and their members


def test_groups_are_not_listed_when_nothing_asks_for_them(server: DirectoryServer):
    assert reading(server).groups == ()
    assert asked(server, "/groups") == []
    assert members_asked(server) == []


def test_members_are_read_of_groups_whose_address_matches_and_of_no_others(
    server: DirectoryServer,
):
    snapshot = reading(server, in_groups(r"^7a-(?P<name>.+)@"))

    assert members(snapshot, "7a-ma") == {id_of("ada"), id_of("di")}
    assert members(snapshot, "larare") is None
    assert members_asked(server) == ["7a-ma"]


def test_members_are_read_for_a_rule_on_the_attribute_groups(server: DirectoryServer):
    rule = {"from": "attribute", "attribute": "groups", "pattern": r"^(?P<name>7a)-"}
    document = tenant({"students": {"orgUnits": ["/Elever"]}, "classes": rule})

    assert members(reading(server, document), "7a-ma") == {id_of("ada"), id_of("di")}
    assert members_asked(server) == ["7a-ma"]


def test_an_alias_is_an_address_of_its_group(server: DirectoryServer):
    server.domain.rename_group(MA, email=f"8a-ma{AT}")
    snapshot = reading(server, filtering("groups", "startsWith", "7a-"))

    assert members(snapshot, "8a-ma") == {id_of("ada"), id_of("di")}


def test_named_groups_are_read_without_listing_all(server: DirectoryServer):
    document = tenant({"staff": {"groups": [TEACHERS, MA]}})
    snapshot = reading(server, document)

    assert asked(server, "/groups") == []
    assert members(snapshot, "larare") == {id_of("di")}
    assert members(snapshot, "7a-ma") == {id_of("ada"), id_of("di")}
    assert len({group.id for group in snapshot.groups}) == 2


def test_a_named_group_is_read_once_when_all_are_listed(server: DirectoryServer):
    document = in_groups("^7a", staff={"groups": [TEACHERS.upper(), MA]})
    reading(server, document)

    assert members_asked(server) == ["7a-ma", "larare"]


def test_a_group_that_is_not_there_is_reported(server: DirectoryServer):
    document = in_groups("^7a", staff={"groups": [f"borta{AT}", TEACHERS]})
    snapshot = reading(server, document)

    assert snapshot.missing_groups == (f"borta{AT}",)
    assert names(snapshot) == ["ada", "bo", "cy", "di"]


def test_all_pages_of_members_are_read():
    people = [person(f"elev{number}", "/Elever") for number in range(450)]
    ids = {MA: [user["primaryEmail"] for user in people]}
    with DirectoryServer(school(users=people, members=ids)) as server:
        snapshot = reading(server, in_groups("^7a"))
        assert len(members(snapshot, "7a-ma") or ()) == 450
        assert len(asked(server, "/members")) == 3


def test_members_of_nested_groups_are_members(server: DirectoryServer):
    server.domain.add_member(MA, TEACHERS)
    server.domain.add_member(TEACHERS, f"ed{AT}")
    server.domain.remove_member(MA, f"di{AT}")
    snapshot = reading(server, in_groups("^7a"))

    assert members(snapshot, "7a-ma") == {id_of("ada"), id_of("di"), id_of("ed")}


def test_a_group_may_have_the_whole_customer_as_its_member(server: DirectoryServer):
    server.domain.add_member(MA, "*")
    snapshot = reading(server, in_groups("^7a"))

    assert [group.everyone for group in snapshot.groups if group.email == MA] == [True]
    assert names(snapshot) == ["ada", "bo", "cy"]


def test_everyone_is_read_when_a_selected_group_holds_everyone(server: DirectoryServer):
    server.domain.add_member(TEACHERS, "*")

    assert names(reading(server, selecting(groups=[TEACHERS]))) == ["ada", "bo", "cy", "di", "ed"]


# People outside the selected OUs


def test_people_selected_through_a_group_are_fetched_singly(server: DirectoryServer):
    server.domain.add_member(MA, f"ed{AT}")
    snapshot = reading(server, selecting(orgUnits=["/Elever"], groups=[MA]))

    assert names(snapshot) == ["ada", "bo", "cy", "di", "ed"]
    fetched = {request.path.rpartition("/")[2] for request in server.requests}
    assert {id_of("di"), id_of("ed")} <= fetched
    assert id_of("ada") not in fetched
    assert len(asked(server, "/users")) == 1


def test_many_of_them_are_found_by_listing_all():
    people = [person(f"elev{number}", "/Övriga") for number in range(101)]
    domain = school(
        users=[person("ada", "/Elever"), person("ed", "/Övriga"), *people],
        members={TEACHERS: [user["primaryEmail"] for user in people]},
    )
    with DirectoryServer(domain) as server:
        snapshot = reading(server, selecting(orgUnits=["/Elever"], groups=[TEACHERS]))
        assert len(snapshot.users) == 102
        assert "ed" not in names(snapshot)
        assert len(asked(server, "/users")) == 2
        assert not any("/users/" in request.path for request in server.requests)


@pytest.mark.parametrize("operator", ["in", "notIn"])
def test_nobody_is_fetched_because_a_filter_names_their_group(
    server: DirectoryServer, operator: str
):
    server.domain.add_member(TEACHERS, "*")
    snapshot = reading(server, filtering("groups", operator, [MA, TEACHERS]))

    assert names(snapshot) == ["ada", "bo", "cy"]
    assert members_asked(server) == ["7a-ma", "larare"]


def test_a_member_from_outside_costs_one_question_and_no_more(server: DirectoryServer):
    server.domain.add_member(TEACHERS, "extern@gmail.com")

    assert names(reading(server, selecting(groups=[TEACHERS]))) == ["di"]
    assert asked(server, "/users") == []


def test_nobody_is_looked_for_when_the_root_was_read(server: DirectoryServer):
    server.domain.add_member(TEACHERS, "extern@gmail.com")

    assert len(reading(server, selecting(orgUnits=["/"], groups=[TEACHERS])).users) == 5
    assert not any("/users/" in request.path for request in server.requests)


@pytest.mark.parametrize("status", [403, 404])
def test_a_stranger_whom_google_will_not_show_is_no_failure(server: DirectoryServer, status: int):
    server.domain.add_member(TEACHERS, "extern@gmail.com")
    server.fail("/users/", status=status, reason="forbidden", query_contains="", times=None)
    server.domain.remove_member(TEACHERS, f"di{AT}")

    assert reading(server, selecting(groups=[TEACHERS])).users == ()


# The whole


def test_domains_are_reported(server: DirectoryServer):
    assert reading(server).domains == ("edu.storkoping.se",)


def test_progress_ends_with_the_sums(server: DirectoryServer):
    seen: list[tuple[int, int]] = []
    read(in_groups("^7a"), source(server), lambda users, groups: seen.append((users, groups)))

    assert seen[-1] == (3, 1)
    assert seen == sorted(seen)


def test_queries_are_counted(server: DirectoryServer):
    server.fail("/users", status=503)

    assert reading(server, in_groups("^7a")).queries == server.queries


def test_the_customer_of_the_document_is_asked_for(server: DirectoryServer):
    reading(server, in_groups("^7a"))

    customers = {request.query.get("customer") for request in server.requests}
    assert customers == {"C0storkoping", None}
    assert not any("my_customer" in request.path for request in server.requests)


@pytest.mark.parametrize("threads", [1, 12])
def test_a_municipality_is_read_as_it_is(threads: int):
    domain = generate(300, 40)
    document = msgspec.convert(tenant_document(domain), Tenant)
    with DirectoryServer(domain) as server:
        snapshot = reading(server, document, threads=threads)

    protected = {u["id"] for u in domain.users_in("/Skyddade")}
    protected |= {m["id"] for m in domain.members_of(f"skyddade{AT}", derived=True)}
    selected = _selected(domain, document)
    assert snapshot.protected == protected
    assert {user.id for user in snapshot.users} == selected - protected
    assert len(snapshot.groups) == len(domain.groups)


def _selected(domain: Domain, document: Tenant) -> set[str]:
    found: set[str] = set()
    for unit in document.school_units:
        for selector in (unit.students, unit.staff):
            for path in selector.org_units:
                found |= {user["id"] for user in domain.users_in(path)}
            for group in selector.groups:
                found |= {m["id"] for m in domain.members_of(group, derived=True)}
    return found & domain.users.keys()
