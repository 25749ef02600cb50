"""The promises of the README, each from a directory to the vendors by the command line.

Promises 2 and 6, and more of the others, are tested in tests/trust, tests/scenarios and
beside the code that keeps them.
"""

import io
import json
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from addon.planning.ledger import LedgerKey
from tests.support.egil_faults import Fault, Incoming
from tests.support.small_school import HIDDEN, PUPILS, STAFF, TENANT, address, leave, small_school
from tests.support.world import World

EVERYBODY = [*PUPILS["7A"], *PUPILS["7B"], *STAFF, HIDDEN]


@pytest.fixture
def world(tmp_path):
    with small_school(tmp_path) as world:
        yield world


def by_name(world: World, resource_type: str = "User") -> dict[str, str]:
    """The externalIds at the vendor that takes everything, by what a person sees."""
    found = world.vendor("all").held(resource_type).values()
    return {body.get("userName") or body["displayName"]: body["externalId"] for body in found}


# 1. Nothing is sent unless the directory was read whole.

UNREAD = [
    pytest.param("/users", {"status": 403, "reason": "forbidden"}, id="users forbidden"),
    pytest.param("/users", {"status": 400, "reason": "invalid"}, id="users invalid"),
    pytest.param("/orgunits", {"status": 401, "reason": "authError"}, id="no consent"),
    pytest.param("/users", {"kind": "expiredToken"}, id="a page token that is no good"),
]


@pytest.mark.parametrize(("path", "failure"), UNREAD)
def test_promise_1_a_page_that_fails_is_a_failed_read_and_not_fewer_people(world, path, failure):
    """Also the last of many pages, and also when everything else was read."""
    assert world.run("sync", TENANT).status == 0
    if failure.get("kind") == "expiredToken":
        grow_beyond_a_page(world)
    leave(world, PUPILS["7A"][0])
    world.forget_requests()
    world.directory.fail(path, times=None, **failure)
    held = world.vendor("all").held("User")
    for command in (["sync", TENANT], ["sync", TENANT, "--json"], ["preview", TENANT, "--json"]):
        ran = world.run(*command)
        assert ran.status == 4
        assert ran.out == ""
        assert ran.err.count("\n") == 1
    assert world.requests == []
    assert world.vendor("all").held("User") == held
    world.directory.clear_failures()
    assert world.run("sync", TENANT).status == 0
    assert address(*PUPILS["7A"][0]) not in by_name(world)


def grow_beyond_a_page(world: World) -> None:
    for n in range(520):
        world.domain.add_user(
            {
                "primaryEmail": f"n{n}@edu.storvik.se",
                "orgUnitPath": "/Elever/7B",
                "name": {"givenName": "Nummer", "familyName": f"Nummersson{n}"},
            }
        )


def test_promise_1_who_is_protected_must_be_known(world):
    world.run("sync", TENANT)
    world.forget_requests()
    world.domain.rename_org_unit("/Skyddade", "Hemligt")
    ran = world.run("sync", TENANT)
    assert ran.status == 4
    assert "protected" in ran.err
    assert world.requests == []


# 3. The same person, and the same class, keep their externalId.


def test_promise_3_a_person_keeps_the_external_id_through_every_change(world):
    world.run("sync", TENANT)
    who = address(*PUPILS["7A"][0])
    before = by_name(world)[who]
    changes = [
        lambda: world.domain.rename_user(who, "Torvald", "Blomgren"),
        lambda: world.domain.change_address(who, "blomgren@edu.storvik.se"),
        lambda: world.domain.move_user(who, "/Elever/7B"),
        lambda: world.domain.rename_org_unit("/Elever/7B", "8B"),
    ]
    for change in changes:
        change()
        assert world.run("sync", TENANT).status == 0
        assert len(world.vendor("all").held("User")) == 14
        assert before in world.vendor("all").externalIds("User")
    assert by_name(world)["blomgren@edu.storvik.se"] == before


def test_promise_3_a_class_keeps_the_external_id_when_its_ou_is_renamed(world):
    world.run("sync", TENANT)
    before = by_name(world, "StudentGroup")["7A"]
    world.domain.rename_org_unit("/Elever/7A", "8A")
    world.forget_requests()
    assert world.run("sync", TENANT).status == 0
    assert by_name(world, "StudentGroup") == {"8A": before} | {
        "7B": by_name(world, "StudentGroup")["7B"]
    }
    assert {method for method, _ in world.requests} == {"PUT"}


def test_promise_3_a_class_keeps_the_external_id_when_its_group_is_renamed(world):
    world.document["schoolUnits"][0]["classes"] = {
        "from": "group",
        "pattern": "^klass-(?P<name>.+)@",
    }
    world.import_document()
    world.domain.add_group(
        {"email": "klass-7a@edu.storvik.se", "name": "Klass 7A"},
        [address(*name) for name in PUPILS["7A"]],
    )
    world.run("sync", TENANT)
    before = by_name(world, "StudentGroup")
    assert set(before) == {"7a"}
    world.domain.rename_group("klass-7a@edu.storvik.se", email="klass-8a@edu.storvik.se")
    assert world.run("sync", TENANT).status == 0
    assert by_name(world, "StudentGroup") == {"8a": before["7a"]}


def test_promise_3_ids_are_uuids_and_the_same_at_every_vendor(world):
    world.run("sync", TENANT)
    for server in (world.vendor("all"), world.vendor("some")):
        for external_id in server.externalIds():
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", external_id)
    assert world.vendor("all").externalIds("User") == world.vendor("some").externalIds("User")


# 4. A plan that deletes more than the limits is held.


@pytest.mark.parametrize(("leaving", "held"), [(3, False), (4, True)])
def test_promise_4_more_deletions_than_the_number_are_held_and_the_rest_is_sent(
    world, leaving, held
):
    world.run("sync", TENANT)
    world.forget_requests()
    leave(world, *PUPILS["7A"][:leaving])
    world.domain.rename_user(address(*PUPILS["7B"][0]), "Nytt", "Namn")
    ran = world.run("sync", TENANT, "--json")
    assert ran.status == (3 if held else 0)
    assert {method for method, _ in world.requests} == ({"PUT"} if held else {"PUT", "DELETE"})
    for server in (world.vendor("all"), world.vendor("some")):
        assert len(server.held("User")) == (14 if held else 11)
    if held:
        assert world.run("approve", TENANT, "--vendor", "all").status == 0
        assert (len(world.vendor("all").held("User")), len(world.vendor("some").held("User"))) == (
            10,
            14,
        )


def test_promise_4_more_deletions_than_the_percentage_are_held_but_never_fewer_than_5(world):
    world.change_connection("all", limits={"deletions": 1000, "deletionsPercent": 10})
    world.run("sync", TENANT)
    world.forget_requests()
    leave(world, *PUPILS["7A"][:4])
    assert world.run("sync", TENANT, "--vendor", "all").status == 0
    assert len(world.vendor("all").held("User")) == 10
    world.forget_requests()
    leave(world, *PUPILS["7B"][:5])
    assert world.run("sync", TENANT, "--vendor", "all").status == 3
    assert world.requests == []


def test_promise_4_an_ou_that_is_moved_away_removes_nobody(world):
    world.run("sync", TENANT)
    world.forget_requests()
    world.domain.add_org_unit("/Arkiv")
    world.domain.move_org_unit("/Elever", "/Arkiv")
    assert world.run("sync", TENANT).status == 0
    assert world.requests == []
    world.domain.move_people("/Arkiv/Elever", "/Arkiv/Slutat")
    assert world.run("sync", TENANT).status == 3
    assert world.requests == []
    assert len(world.vendor("all").held("User")) == 14


# 5. A run with nothing changed sends nothing and writes next to nothing.

LEDGER = ("entries", "refusals", "connections", "tenants")


@contextmanager
def ledger_untouched(world: World) -> Iterator[None]:
    """SQLite itself counts what is written: triggers on all tables but the runs and leases."""
    path = world.folder / "skolsynk.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE written (what TEXT)")
        for table in LEDGER:
            for event in ("INSERT", "UPDATE", "DELETE"):
                db.execute(
                    f"CREATE TRIGGER seen_{table}_{event} AFTER {event} ON {table} BEGIN"
                    f" INSERT INTO written VALUES ('{event} {table}'); END"
                )
    yield
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT what FROM written").fetchall() == []


def test_promise_5_a_run_with_nothing_changed_sends_nothing_and_writes_nothing(world):
    assert world.run("sync", TENANT).status == 0
    world.forget_requests()
    with ledger_untouched(world):
        for _ in range(3):
            ran = world.run("sync", TENANT, "--json")
            assert ran.status == 0
            assert {c["status"] for c in ran.json["connections"]} == {"unchanged"}
            assert all(not any(c["operations"].values()) for c in ran.json["connections"])
    assert world.requests == []


def test_promise_5_what_was_refused_is_left_alone(world):
    world.vendor("all").fail(422, times=None, endpoint="StudentGroups")
    assert world.run("sync", TENANT).status == 1
    world.forget_requests()
    with ledger_untouched(world):
        assert world.run("sync", TENANT).status == 0
    assert world.requests == []


def test_promise_5_the_directory_is_asked_as_little_as_the_first_time(world):
    world.run("sync", TENANT)
    first = world.directory.queries
    world.directory.forget_requests()
    world.run("sync", TENANT)
    assert world.directory.queries <= first


# 7. Nothing that is shown or logged names a person.


def parts_of_names() -> set[str]:
    """Every word of a name or address of everyone in the domain, in lower case."""
    found = set()
    for given, family in EVERYBODY:
        found |= set(re.findall(r"[^\W\d_]+", f"{given} {family}".lower()))
        local = address(given, family).partition("@")[0]
        found |= set(re.findall(r"[^\W\d_]+", local)) | {local}
    return found


def assert_nobody_is_named(text: str) -> None:
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{8}T\d{6}Z-[0-9a-f]{6}", "", text)
    words = set(re.findall(r"[^\W\d_]+", text.lower()))
    assert not words & parts_of_names()
    for part in parts_of_names():
        if len(part) > 4:
            assert part not in text.lower()
    for given, family in EVERYBODY:
        assert address(given, family) not in text.lower()


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """What any library logs, at any level."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


ECHOES = [
    "{given} {family} ({address}) finns redan",
    "{GIVEN} {FAMILY} already exists",
    "user {family}, {given} is already in use by {other_given} {other_family}",
    "<html><h1>{address}</h1><p>{given}<br>{family}</p></html>",
    '{{"detail": "userName {ADDRESS} is taken by {other_given}, born 20120212-1234"}}',
    '{{"errors": [{{"message": "{given}_{family} / {given}{family}"}}]}}',
]


def echoing(template: str, server) -> None:
    """Every other write about people is refused in words that name them, and somebody else."""

    def decide(request: Incoming) -> Fault | None:
        if request.method == "GET" or request.n % 2:
            return None
        given, family = EVERYBODY[request.n % len(EVERYBODY)]
        other_given, other_family = HIDDEN
        said = template.format(
            given=given,
            family=family,
            GIVEN=given.upper(),
            FAMILY=family.upper(),
            address=address(given, family),
            ADDRESS=address(given, family).upper(),
            other_given=other_given,
            other_family=other_family,
        )
        return Fault(status=(400, 409, 422)[request.n % 3], body=said.encode())

    server.faults = [decide]


@pytest.mark.parametrize("template", ECHOES)
def test_promise_7_no_output_and_no_log_names_a_person_whatever_the_vendor_says(world, template):
    """Not even at DEBUG, nor of those whom we do not know: who has left, or is protected."""
    shown = []
    with everything_logged() as logged:
        echoing(template, world.vendor("all"))
        shown.append(world.run("preview", TENANT, SKOLSYNK_LOG_LEVEL="DEBUG"))
        shown.append(world.run("sync", TENANT, "--json", SKOLSYNK_LOG_LEVEL="DEBUG"))
        assert shown[-1].status == 1
        shown.append(world.run("status", TENANT))
        shown.append(world.run("status", TENANT, "--json"))
        leave(world, PUPILS["7A"][0])
        world.domain.move_user(address(*PUPILS["7A"][1]), "/Skyddade")
        world.domain.rename_user(address(*PUPILS["7B"][0]), family_name="")
        shown.append(world.run("preview", TENANT, "--json"))
        shown.append(world.run("sync", TENANT))
        shown.append(world.run("reconcile", TENANT, "--vendor", "all"))
        shown.append(world.run("withdraw", TENANT, "--vendor", "all", "--yes", "--json"))
        shown.append(world.run("status", TENANT, "--json"))
    assert any("failures" in ran.out for ran in shown)
    for ran in shown:
        assert_nobody_is_named(ran.out + ran.err)
    assert_nobody_is_named(logged.getvalue())
    with world.open_store() as store:
        for run in store.runs(TENANT):
            assert_nobody_is_named((run.report or b"").decode() + run.detail)


def test_promise_7_no_failure_of_the_directory_names_a_person(world):
    shown = []
    with everything_logged() as logged:
        for failure in (
            {"status": 403, "reason": "forbidden", "message": f"{EVERYBODY[0][0]} may not"},
            {"status": 400, "reason": "invalid", "message": address(*EVERYBODY[1])},
        ):
            world.directory.fail("/users", times=None, **failure)
            shown.append(world.run("sync", TENANT))
            assert shown[-1].status == 4
            world.directory.clear_failures()
    shown.append(world.run("status", TENANT))
    for ran in shown:
        assert_nobody_is_named(ran.out + ran.err)
    assert_nobody_is_named(logged.getvalue())


def test_promise_7_a_process_of_its_own_logs_no_names_at_debug(world):
    echoing(ECHOES[0], world.vendor("all"))
    with world.spawn("sync", TENANT, "--json", SKOLSYNK_LOG_LEVEL="DEBUG") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"INFO" in err
    assert_nobody_is_named(out.decode() + err.decode())


def test_promise_7_what_is_kept_of_a_delivery_has_no_names(world):
    """The ledger, the refusals and the runs; the document is the administrator's own words."""
    echoing(ECHOES[2], world.vendor("all"))
    world.run("sync", TENANT)
    with world.open_store() as store:
        refused = [
            refusal for *_, refusal in store.ledger(LedgerKey(TENANT, "all", "live")).refused()
        ]
        runs = store.runs(TENANT)
    assert refused
    assert_nobody_is_named(" ".join(refusal.detail for refusal in refused))
    for run in runs:
        assert_nobody_is_named((run.report or b"").decode() + run.detail)
    written = b"".join(path.read_bytes() for path in world.folder.glob("skolsynk.db*"))
    for given, family in EVERYBODY:
        assert address(given, family).encode() not in written.lower()
        assert not (len(family) > 4 and family.encode() in written)


# 8. A vendor's trouble stays that connection's trouble.

TROUBLE = {
    "503 to everything": {"status": 503, "retry_after": 0},
    "429 to everything": {"status": 429, "retry_after": 0},
    "wait an hour": {"status": 503, "retry_after": 3600},
    "wait until 2500": {"status": 429, "headers": {"Retry-After": "Fri, 01 Jan 2500 00:00:00 GMT"}},
    "401": {"status": 401},
    "403": {"status": 403},
    "400 to everything": {"status": 400},
    "404 to everything": {"status": 404},
    "redirects": {"redirect": "https://example.invalid/"},
    "50 MB": {"status": 400, "megabytes": 50, "times": 1, "method": "POST"},
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
def test_promise_8_one_vendors_trouble_ends_in_a_clear_status_while_the_other_is_served(
    world, trouble
):
    world.vendor("all").fail(**{"times": None, **trouble})
    ran = world.run("sync", TENANT, "--json")
    assert ran.status == 1
    part = ran.part("all")
    assert part["status"] == "failed"
    assert part["failures"]
    assert all(failure["detail"] for failure in part["failures"])
    assert ran.part("some")["status"] == "delivered"
    assert len(world.vendor("some").held("User")) == 14
    world.vendor("all").clear()
    world.forget_requests()
    status = json.loads(world.run("status", TENANT, "--json").out)
    assert [c["last"]["status"] for c in status["connections"]] == ["failed", "delivered"]


def test_promise_8_a_vendor_that_is_not_there_or_cannot_be_trusted_is_the_same(world):
    for url in ("https://127.0.0.1:1", world.vendor("all").url.replace("http:", "https:")):
        ran = world.run("sync", TENANT, "--json", SKOLSYNK_ALL_LIVE_URL=url)
        assert ran.status == 1
        assert ran.part("all")["failures"]
    assert len(world.vendor("some").held("User")) == 14


def test_promise_8_when_the_trouble_is_over_the_next_run_puts_everything_right(world):
    world.vendor("all").fail(503, times=None, retry_after=0, skip=9)
    assert world.run("sync", TENANT).status == 1
    world.forget_requests()
    assert world.run("sync", TENANT).status == 0
    assert world.vendor("all").externalIds() == world.vendor("some").externalIds()
    assert world.vendor("some").requests == []
    world.forget_requests()
    assert world.run("sync", TENANT).status == 0
    assert world.requests == []


def test_promise_8_one_of_two_held_does_not_hold_the_other(world):
    world.change_connection("some", limits={"deletions": 100, "deletionsPercent": 100})
    world.run("sync", TENANT)
    leave(world, *PUPILS["7A"][:4])
    ran = world.run("sync", TENANT, "--json")
    assert ran.status == 3
    assert [c["status"] for c in ran.json["connections"]] == ["held", "delivered"]
    assert (len(world.vendor("all").held("User")), len(world.vendor("some").held("User"))) == (
        14,
        10,
    )
