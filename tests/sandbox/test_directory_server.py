"""The sandbox's Directory API: right by Google's own description, and by Google's client."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from email.message import Message
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import googleapiclient
import pytest
from google.auth.credentials import AnonymousCredentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.sandbox.municipality import generate

SCHOOL = "edu.storkoping.se"
SCHEMAS = json.loads(
    Path(
        googleapiclient.__path__[0], "discovery_cache/documents/admin.directory_v1.json"
    ).read_text()
)["schemas"]


@pytest.fixture(scope="module")
def municipality() -> Iterator[DirectoryServer]:
    """A server that no test changes."""
    with DirectoryServer(generate()) as server:
        yield server


@pytest.fixture
def server() -> Iterator[DirectoryServer]:
    """A small domain of the test's own."""
    users = [
        {"primaryEmail": f"elev{number}@{SCHOOL}", "orgUnitPath": "/O'Neills skola/7A"}
        for number in range(5)
    ]
    users[0]["customSchemas"] = {"Skola": {"klass": "7A"}, "Hemligt": {"kod": "1"}}
    with DirectoryServer(Domain.from_json({"users": users})) as server:
        yield server


class Reply(NamedTuple):
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(server: DirectoryServer, path: str, method: str = "GET", body: Any = None) -> Reply:
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=20)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())


def exchange(connection: HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


def get(server: DirectoryServer, path: str, **parameters: Any) -> dict:
    """The answer of the API; a list asked for without `customer` is the whole customer's."""
    if path in {"users", "groups"} and not {"domain", "userKey", "customer"} & set(parameters):
        parameters["customer"] = "my_customer"
    return ask(server, f"/admin/directory/v1/{path}?{urlencode(parameters)}").json()


def error(server: DirectoryServer, path: str, **parameters: Any) -> tuple[int, str, str]:
    found = get(server, path, **parameters)["error"]
    assert found["errors"][0]["message"] == found["message"]
    assert found["errors"][0]["domain"] == "global"
    return found["code"], found["errors"][0]["reason"], found["message"]


def whole(server: DirectoryServer, path: str, key: str, **parameters: Any) -> list[dict]:
    """All pages, put together."""
    items: list[dict] = []
    while True:
        page = get(server, path, **parameters)
        items += page.get(key, [])
        if "nextPageToken" not in page:
            return items
        parameters["pageToken"] = page["nextPageToken"]


def faults(value: Any, schema: dict, at: str = "") -> list[str]:
    """Where a value is not what a schema of the discovery document says."""
    if "$ref" in schema:
        return faults(value, SCHEMAS[schema["$ref"]], at)
    kind = schema.get("type", "any")
    if kind == "array":
        if not isinstance(value, list):
            return [f"{at}: no list"]
        return [each for item in value for each in faults(item, schema["items"], f"{at}[]")]
    if kind == "object":
        return object_faults(value, schema, at) if isinstance(value, dict) else [f"{at}: no object"]
    types = {"string": str, "boolean": bool, "integer": int, "any": object}
    if not isinstance(value, types[kind]):
        return [f"{at}: no {kind}"]
    pattern = {"int64": r"-?\d+", "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"}
    if kind == "string" and not re.fullmatch(pattern.get(schema.get("format", ""), ".*"), value):
        return [f"{at}: no {schema['format']}"]
    return []


def object_faults(value: dict, schema: dict, at: str) -> list[str]:
    known, other = schema.get("properties", {}), schema.get("additionalProperties")
    found = []
    for key, part in value.items():
        inside = known.get(key, other)
        found += [f"{at}.{key}: unknown"] if inside is None else faults(part, inside, f"{at}.{key}")
    return found


# Right by the description


@pytest.mark.parametrize(
    ("path", "schema", "kind"),
    [
        ("users?customer=my_customer&projection=full&maxResults=500", "Users", "users"),
        (f"users?domain={SCHOOL}&showDeleted=true", "Users", "users"),
        (f"users/ipad-03@{SCHOOL}", "User", "user"),
        ("groups?customer=C0storkoping", "Groups", "groups"),
        (f"groups/alla@{SCHOOL}", "Group", "group"),
        (f"groups/norra-7a-ma@{SCHOOL}/members", "Members", "members"),
        (f"groups/alla@{SCHOOL}/members", "Members", "members"),
        (f"groups/norra-schack@{SCHOOL}/members", "Members", "members"),
        ("customer/my_customer/orgunits?type=allIncludingParent", "OrgUnits", "orgUnits"),
        (f"customer/my_customer/orgunits/{quote('Elever/Norra skolan')}", "OrgUnit", "orgUnit"),
        ("customers/my_customer", "Customer", "customer"),
        ("customer/my_customer/domains", "Domains2", "domains"),
    ],
)
def test_each_answer_is_what_the_discovery_document_says(municipality, path, schema, kind):
    response = ask(municipality, f"/admin/directory/v1/{path}")
    answer = response.json()
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert answer["kind"] == f"admin#directory#{kind}"
    assert faults(answer, SCHEMAS[schema]) == []


def test_the_validator_finds_faults():
    assert faults({"suspended": "no", "nickname": "x"}, SCHEMAS["User"]) == [
        ".suspended: no boolean",
        ".nickname: unknown",
    ]


# Pages


@pytest.mark.parametrize("size", [1, 7, 100, 500])
def test_pages_give_everyone_once(server, size):
    users = whole(server, "users", "users", maxResults=size)
    assert len(users) == len({user["id"] for user in users}) == 5


def test_the_size_of_a_page_has_a_default_and_limits(municipality):
    assert len(get(municipality, "users")["users"]) == 100
    assert error(municipality, "users", maxResults=0) == (
        400,
        "invalid",
        "Invalid Input: maxResults",
    )
    assert error(municipality, "users", maxResults=501)[0] == 400
    assert error(municipality, "groups", maxResults=201)[0] == 400
    assert error(municipality, f"groups/alla@{SCHOOL}/members", maxResults=201)[0] == 400


def test_a_page_token_fits_only_its_own_question(municipality):
    token = get(municipality, "users", maxResults=5)["nextPageToken"]
    assert "users" in get(municipality, "users", maxResults=9, pageToken=token)
    assert error(municipality, "users", pageToken=token, query="isSuspended=true")[0] == 400
    assert error(municipality, "groups", pageToken=token)[0] == 400
    assert error(municipality, "users", pageToken="nonsense") == (
        400,
        "invalid",
        "Invalid Input: pageToken",
    )


def test_a_change_between_pages_loses_nobody(server):
    first = get(server, "users", maxResults=2)
    server.domain.remove_user(f"elev0@{SCHOOL}")
    rest = whole(server, "users", "users", maxResults=2, pageToken=first["nextPageToken"])
    assert len(first["users"]) + len(rest) == 5
    assert len(whole(server, "users", "users")) == 4


def test_an_empty_page_has_no_list(server):
    assert set(get(server, "groups")) == {"kind", "etag"}
    assert set(get(server, "users", query="isSuspended=true")) == {"kind", "etag"}


# Users


def test_an_ou_is_asked_for_with_all_below_it(municipality):
    def count(path: str) -> int:
        return len(
            whole(municipality, "users", "users", query=f"orgUnitPath='{path}'", maxResults=500)
        )

    assert count("/") == len(municipality.domain.users)
    assert (
        count("/elever/NORRA skolan")
        == len(municipality.domain.users_in("/Elever/Norra skolan"))
        > 100
    )
    assert 0 < count("/Elever/Norra skolan/7A") < 50
    assert error(municipality, "users", query="orgUnitPath='/Elever/Norra'") == (
        400,
        "invalid",
        "Invalid Input: INVALID_OU_ID",
    )


def test_a_quote_in_an_ou_is_escaped(server):
    assert len(get(server, "users", query=r"orgUnitPath='/O\'Neills skola'")["users"]) == 5
    assert error(server, "users", query="orgUnitPath='/O'Neills skola'")[0] == 400


def test_clauses_are_all_to_be_met(municipality):
    suspended = whole(municipality, "users", "users", query="isSuspended=true")
    everywhere = {user["id"] for user in suspended}
    query = "orgUnitPath='/Elever' isSuspended=true"
    below = {user["id"] for user in whole(municipality, "users", "users", query=query)}
    assert below < everywhere
    assert all(user["suspended"] for user in suspended)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("email=ipad-03@edu.storkoping.se", 1),
        ("email:ipad*", 5),
        ("email:ipad* isSuspended=false", 5),
        ("givenName='iPad' familyName=04", 1),
        ("name:'iPad 0'", 5),
        ("Skola.klass='finns inte'", 0),
        ("isDelegatedAdmin=true isArchived=false", 1),
    ],
)
def test_users_are_found_by_what_they_have(municipality, query, count):
    assert len(get(municipality, "users", query=query).get("users", [])) == count


@pytest.mark.parametrize(
    "query", ["ipad", "shoeSize=45", "email=", "isSuspended:true", "isSuspended=yes", "email~x"]
)
def test_a_query_that_is_not_understood_is_refused(municipality, query):
    assert error(municipality, "users", query=query) == (400, "invalid", "Invalid Input: query")


def test_custom_schemas_are_shown_by_projection(server):
    def schemas(**parameters: str) -> set[str]:
        return set(get(server, f"users/elev0@{SCHOOL}", **parameters).get("customSchemas", ()))

    assert schemas() == set()
    assert schemas(projection="full") == {"Skola", "Hemligt"}
    assert schemas(projection="custom", customFieldMask="Skola") == {"Skola"}
    assert error(server, "users", projection="custom")[0] == 400
    assert error(server, "users", projection="all")[0] == 400


def test_users_are_ordered(municipality):
    users = whole(
        municipality, "users", "users", orderBy="email", sortOrder="DESCENDING", maxResults=500
    )
    found = [user["primaryEmail"] for user in users]
    assert found == sorted(found, reverse=True)


def test_a_domain_has_its_own_users(municipality):
    users = whole(municipality, "users", "users", domain="storkoping.se")
    assert {user["primaryEmail"].partition("@")[2] for user in users} == {"storkoping.se"}
    assert error(municipality, "users", domain="gmail.com")[0] == 404


def test_only_the_customer_is_answered_about(municipality):
    assert error(municipality, "users", customer="C0other")[:2] == (403, "forbidden")
    assert error(municipality, "customer/C0other/orgunits")[0] == 403
    assert ask(municipality, "/admin/directory/v1/users").status == 400


def test_deleted_users_are_shown_on_demand(server):
    server.domain.remove_user(f"elev1@{SCHOOL}")
    deleted = get(server, "users", showDeleted="true")["users"]
    assert [user["primaryEmail"] for user in deleted] == [f"elev1@{SCHOOL}"]
    assert deleted[0]["deletionTime"]


def test_a_user_is_found_by_id_address_and_alias(server):
    identity = get(server, f"users/elev2@{SCHOOL}")["id"]
    server.domain.change_address(identity, f"ny@{SCHOOL}")
    assert get(server, f"users/{identity}")["primaryEmail"] == f"ny@{SCHOOL}"
    assert get(server, f"users/elev2@{SCHOOL}")["id"] == identity
    assert error(server, "users/nobody") == (404, "notFound", "Resource Not Found: userKey")


# Partial answers


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ("users/primaryEmail", {"users": [{"primaryEmail": f"elev0@{SCHOOL}"}]}),
        (
            "kind, users(primaryEmail,emails/primary)",
            {
                "kind": "admin#directory#users",
                "users": [{"primaryEmail": f"elev0@{SCHOOL}", "emails": [{"primary": True}]}],
            },
        ),
        (
            "users/customSchemas/*/klass",
            {"users": [{"customSchemas": {"Skola": {"klass": "7A"}, "Hemligt": {}}}]},
        ),
        (
            "users(customSchemas(Skola(klass)))",
            {"users": [{"customSchemas": {"Skola": {"klass": "7A"}}}]},
        ),
        ("users/archived,users/suspended", {"users": [{"archived": False, "suspended": False}]}),
    ],
)
def test_fields_choose_what_is_shown(server, fields, shown):
    query = f"email=elev0@{SCHOOL}"
    assert get(server, "users", fields=fields, query=query, projection="full") == shown


@pytest.mark.parametrize(
    "fields", ["people", "users(id", "users(id))", "users/", "users(name/first)", "a b"]
)
def test_fields_that_do_not_exist_are_refused(server, fields):
    assert error(server, "users", fields=fields)[:2] == (400, "invalidParameter")


# Organisational units, groups and members


def test_org_units_are_listed_by_kind(municipality):
    def paths(**parameters: str) -> set[str]:
        answer = get(municipality, "customer/my_customer/orgunits", **parameters)
        return {unit["orgUnitPath"] for unit in answer["organizationUnits"]}

    assert "/Elever" in paths()
    assert "/Elever/Norra skolan" not in paths()
    assert "/" not in paths(type="all")
    assert paths(type="allIncludingParent") == paths(type="all") | {"/"}
    below = paths(type="all", orgUnitPath="/Elever/Norra skolan")
    assert "/Elever/Norra skolan/7A" in below
    assert "/Elever" not in below


def test_an_org_unit_is_found_by_path_and_id(municipality):
    unit = get(municipality, f"customer/my_customer/orgunits/{quote('Södra skolan/Elever')}")
    assert unit["name"] == "Elever"
    assert unit["parentOrgUnitPath"] == "/Södra skolan"
    assert get(municipality, f"customer/my_customer/orgunits/{unit['orgUnitId']}") == unit
    assert error(municipality, "customer/my_customer/orgunits/X") == (
        404,
        "notFound",
        "Org unit not found",
    )


def test_groups_are_listed_whole_and_for_a_user(municipality):
    assert len(whole(municipality, "groups", "groups", maxResults=20)) == len(
        municipality.domain.groups
    )
    member = municipality.domain.members_of(f"norra-7a-ma@{SCHOOL}")[0]
    groups = {
        group["email"] for group in get(municipality, "groups", userKey=member["id"])["groups"]
    }
    assert f"norra-7a-ma@{SCHOOL}" in groups
    assert error(municipality, "groups", userKey="nobody")[0] == 404
    assert len(get(municipality, "groups", query="email:gy-klass*")["groups"]) > 2
    assert error(municipality, "groups/nothing")[2] == "Resource Not Found: groupKey"


def test_nested_groups_are_resolved_on_demand(municipality):
    path = f"groups/sodra-7a-ma@{SCHOOL}/members"
    direct = whole(municipality, path, "members", maxResults=3)
    derived = whole(municipality, path, "members", includeDerivedMembership="true", maxResults=3)
    assert "GROUP" in {member["type"] for member in direct}
    assert len(derived) > len(direct)
    assert {member["id"] for member in direct} < {member["id"] for member in derived}


def test_members_are_chosen_by_role(municipality):
    path = f"groups/norra-7a-ma@{SCHOOL}/members"
    managers = get(municipality, path, roles="OWNER,MANAGER")["members"]
    assert {member["role"] for member in managers} == {"OWNER", "MANAGER"}
    outside = next(member for member in managers if member["email"].endswith("@gmail.com"))
    assert outside["type"] == "USER"
    assert error(municipality, path, roles="BOSS")[0] == 400


# Failures


def test_a_failure_strikes_as_often_as_asked_and_then_heals(server):
    server.fail("/users", 503, "backendError", times=2, after=1, retry_after=7)
    paths = ["/admin/directory/v1/users?customer=my_customer"] * 4
    answers = [ask(server, path) for path in paths]
    assert [answer.status for answer in answers] == [200, 503, 503, 200]
    assert answers[1].headers["Retry-After"] == "7"
    assert answers[1].json()["error"]["errors"][0]["reason"] == "backendError"
    assert server.queries == 4
    assert server.requests[0].path == "/admin/directory/v1/users"
    assert server.requests[0].query == {"customer": "my_customer"}


@pytest.mark.parametrize("kind", ["drop", "truncate"])
def test_an_answer_can_be_lost(server, kind):
    server.fail("/customers", kind=kind)
    with pytest.raises((HTTPException, ConnectionError)):
        ask(server, "/admin/directory/v1/customers/my_customer")
    assert get(server, "customers/my_customer")["id"] == "C0storkoping"


def test_an_answer_can_be_nonsense(server):
    server.fail("/customers", kind="notJson")
    answer = ask(server, "/admin/directory/v1/customers/my_customer").body
    assert answer.startswith(b"<html>")


def test_a_page_token_can_expire(server):
    server.fail("/users", kind="expiredToken")
    token = get(server, "users", maxResults=2)["nextPageToken"]
    assert error(server, "users", maxResults=2, pageToken=token)[0] == 400
    assert get(server, "users", maxResults=2, pageToken=token)["users"]


def test_a_server_that_hangs_can_be_closed(server):
    server.fail("/customers", kind="hang", seconds=600)
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=0.05)) as connection:
        connection.request("GET", "/admin/directory/v1/customers/my_customer")
        with pytest.raises(TimeoutError):
            connection.getresponse()
    server.close()
    assert server.queries == 1


def test_a_closed_server_answers_nobody(server):
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    exchange(connection, "/sandbox/queries")
    server.close()
    with closing(connection), pytest.raises((HTTPException, ConnectionError)):
        exchange(connection, "/sandbox/queries")


# The sandbox's own addresses


def test_another_process_can_tell_the_story(server):
    change = {"method": "rename_user", "user": f"elev0@{SCHOOL}", "given_name": "Åsa"}
    assert ask(server, "/sandbox/change", "POST", change).status == 200
    domain = Domain.from_json(ask(server, "/sandbox/domain").json())
    assert domain.find_user(f"elev0@{SCHOOL}")["name"]["givenName"] == "Åsa"


@pytest.mark.parametrize(
    "change", [{"method": "explode"}, {"method": "suspend", "user": "x"}, {"method": "suspend"}, []]
)
def test_a_change_that_cannot_be_made_is_refused(server, change):
    assert ask(server, "/sandbox/change", "POST", change).status == 400


def test_another_process_can_ask_for_failures(server):
    failure = {"path_contains": "/customers", "status": 403, "reason": "quotaExceeded"}
    assert ask(server, "/sandbox/failures", "POST", {**failure, "times": None}).status == 200
    assert error(server, "customers/my_customer")[:2] == (403, "quotaExceeded")
    assert ask(server, "/sandbox/failures", "DELETE").status == 200
    assert get(server, "customers/my_customer")["id"] == "C0storkoping"
    assert ask(server, "/sandbox/failures", "POST", {"kind": "fire"}).status == 400
    assert ask(server, "/sandbox/queries").json() == {"queries": 2}


def test_the_page_shows_the_domain_and_escapes_it(server):
    server.domain.rename_user(f"elev0@{SCHOOL}", "<script>", "O'Connor")
    page = ask(server, "/").body.decode()
    assert "&lt;script&gt; O&#x27;Connor" in page
    assert "<script>" not in page
    assert 'lang="sv"' in page
    assert f"elev4@{SCHOOL}" in ask(server, f"/?orgUnit={quote(chr(47))}").body.decode()


def test_the_server_runs_as_a_program():
    command = [sys.executable, "-m", "addon.sandbox.directory_server", "--students", "40"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [*command, "--staff", "4"], stdout=subprocess.PIPE, text=True, cwd=root
    ) as run:
        try:
            assert run.stdout is not None
            host = urlsplit(run.stdout.readline().strip()).netloc
            with closing(HTTPConnection(host, timeout=20)) as connection:
                answer = exchange(connection, "/admin/directory/v1/customers/my_customer")
            assert json.loads(answer)["language"] == "sv"
        finally:
            run.kill()


# Google's client


@pytest.fixture
def google(municipality) -> Any:
    with build(
        "admin",
        "directory_v1",
        credentials=AnonymousCredentials(),
        static_discovery=True,
        client_options={"api_endpoint": municipality.url},
    ) as service:
        yield service


def test_googles_client_reads_everything(municipality, google):
    users, groups = [], []
    request = google.users().list(customer="my_customer", maxResults=500, projection="full")
    while request is not None:
        answer = request.execute()
        users += answer["users"]
        request = google.users().list_next(request, answer)
    request = google.groups().list(customer="my_customer")
    while request is not None:
        answer = request.execute()
        groups += answer["groups"]
        request = google.groups().list_next(request, answer)
    units = google.orgunits().list(customerId="my_customer", type="all").execute()
    assert {user["id"] for user in users} == set(municipality.domain.users)
    assert {group["id"] for group in groups} == set(municipality.domain.groups)
    assert len(units["organizationUnits"]) == len(municipality.domain.org_units) - 1


def test_googles_client_names_things_as_people_write_them(google):
    unit = google.orgunits().get(customerId="my_customer", orgUnitPath="Södra skolan/Elever")
    assert unit.execute()["orgUnitPath"] == "/Södra skolan/Elever"
    members = google.members().list(groupKey=f"norra-7a-ma@{SCHOOL}", includeDerivedMembership=True)
    assert members.execute()["members"]
    assert google.domains().list(customer="my_customer").execute()["domains"][0]["verified"]
    assert google.customers().get(customerKey="my_customer").execute()["customerDomain"] == SCHOOL


def test_googles_client_understands_the_errors(google):
    with pytest.raises(HttpError) as caught:
        google.users().get(userKey="nobody").execute()
    assert caught.value.reason == "Resource Not Found: userKey"
    assert caught.value.error_details[0]["reason"] == "notFound"
