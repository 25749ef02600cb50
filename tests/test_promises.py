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
from tests.support.installation import HIDDEN, PUPILS, STAFF, TENANT, Installation, address

EVERYBODY = [*PUPILS["7A"], *PUPILS["7B"], *STAFF, HIDDEN]


@pytest.fixture
def here(tmp_path):
    with Installation(tmp_path) as here:
        yield here


def by_name(here: Installation, resource_type: str = "User") -> dict[str, str]:
    """The externalIds at the vendor that takes everything, by what a person sees."""
    found = here.all.held(resource_type).values()
    return {body.get("userName") or body["displayName"]: body["externalId"] for body in found}


# 1. Nothing is sent unless the directory was read whole.

UNREAD = [
    pytest.param("/users", {"status": 403, "reason": "forbidden"}, id="users forbidden"),
    pytest.param("/users", {"status": 400, "reason": "invalid"}, id="users invalid"),
    pytest.param("/orgunits", {"status": 401, "reason": "authError"}, id="no consent"),
    pytest.param("/users", {"kind": "expiredToken"}, id="a page token that is no good"),
]


@pytest.mark.parametrize(("path", "failure"), UNREAD)
def test_promise_1_a_page_that_fails_is_a_failed_read_and_not_fewer_people(here, path, failure):
    """Also the last of many pages, and also when everything else was read."""
    assert here.run("sync", TENANT).status == 0
    if failure.get("kind") == "expiredToken":
        grow_beyond_a_page(here)
    here.leave(PUPILS["7A"][0])
    here.forget_requests()
    here.directory.fail(path, times=None, **failure)
    held = here.all.held("User")
    for command in (["sync", TENANT], ["sync", TENANT, "--json"], ["preview", TENANT, "--json"]):
        ran = here.run(*command)
        assert ran.status == 4
        assert ran.out == ""
        assert ran.err.count("\n") == 1
    assert here.requests == []
    assert here.all.held("User") == held
    here.directory.heal()
    assert here.run("sync", TENANT).status == 0
    assert address(*PUPILS["7A"][0]) not in by_name(here)


def grow_beyond_a_page(here: Installation) -> None:
    for n in range(520):
        here.domain.add_user(
            {
                "primaryEmail": f"n{n}@edu.storvik.se",
                "orgUnitPath": "/Elever/7B",
                "name": {"givenName": "Nummer", "familyName": f"Nummersson{n}"},
            }
        )


def test_promise_1_who_is_protected_must_be_known(here):
    here.run("sync", TENANT)
    here.forget_requests()
    here.domain.rename_org_unit("/Skyddade", "Hemligt")
    ran = here.run("sync", TENANT)
    assert ran.status == 4
    assert "protected" in ran.err
    assert here.requests == []


# 3. The same person, and the same class, keep their externalId.


def test_promise_3_a_person_keeps_the_external_id_through_every_change(here):
    here.run("sync", TENANT)
    who = address(*PUPILS["7A"][0])
    before = by_name(here)[who]
    changes = [
        lambda: here.domain.rename_user(who, "Torvald", "Blomgren"),
        lambda: here.domain.change_address(who, "blomgren@edu.storvik.se"),
        lambda: here.domain.move_user(who, "/Elever/7B"),
        lambda: here.domain.rename_org_unit("/Elever/7B", "8B"),
    ]
    for change in changes:
        change()
        assert here.run("sync", TENANT).status == 0
        assert len(here.all.held("User")) == 14
        assert before in here.all.externalIds("User")
    assert by_name(here)["blomgren@edu.storvik.se"] == before


def test_promise_3_a_class_keeps_the_external_id_when_its_ou_is_renamed(here):
    here.run("sync", TENANT)
    before = by_name(here, "StudentGroup")["7A"]
    here.domain.rename_org_unit("/Elever/7A", "8A")
    here.forget_requests()
    assert here.run("sync", TENANT).status == 0
    assert by_name(here, "StudentGroup") == {"8A": before} | {
        "7B": by_name(here, "StudentGroup")["7B"]
    }
    assert {method for method, _ in here.requests} == {"PUT"}


def test_promise_3_a_class_keeps_the_external_id_when_its_group_is_renamed(here):
    here.document["schoolUnits"][0]["classes"] = {
        "from": "group",
        "pattern": "^klass-(?P<name>.+)@",
    }
    here.import_document()
    here.domain.add_group(
        {"email": "klass-7a@edu.storvik.se", "name": "Klass 7A"},
        [address(*name) for name in PUPILS["7A"]],
    )
    here.run("sync", TENANT)
    before = by_name(here, "StudentGroup")
    assert set(before) == {"7a"}
    here.domain.rename_group("klass-7a@edu.storvik.se", email="klass-8a@edu.storvik.se")
    assert here.run("sync", TENANT).status == 0
    assert by_name(here, "StudentGroup") == {"8a": before["7a"]}


def test_promise_3_ids_are_uuids_and_the_same_at_every_vendor(here):
    here.run("sync", TENANT)
    for server in (here.all, here.some):
        for external_id in server.externalIds():
            assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", external_id)
    assert here.all.externalIds("User") == here.some.externalIds("User")


# 4. A plan that deletes more than the limits is held.


@pytest.mark.parametrize(("leaving", "held"), [(3, False), (4, True)])
def test_promise_4_more_deletions_than_the_number_are_held_and_nothing_of_it_is_sent(
    here, leaving, held
):
    here.run("sync", TENANT)
    here.forget_requests()
    here.leave(*PUPILS["7A"][:leaving])
    here.domain.rename_user(address(*PUPILS["7B"][0]), "Nytt", "Namn")
    ran = here.run("sync", TENANT, "--json")
    assert ran.status == (3 if held else 0)
    assert (here.requests == []) is held
    for server in (here.all, here.some):
        assert len(server.held("User")) == (14 if held else 11)
    if held:
        assert here.run("approve", TENANT, "--vendor", "all").status == 0
        assert (len(here.all.held("User")), len(here.some.held("User"))) == (10, 14)


def test_promise_4_more_deletions_than_the_percentage_are_held_but_never_fewer_than_5(here):
    here.connection("all", limits={"deletions": 1000, "deletionsPercent": 10})
    here.run("sync", TENANT)
    here.forget_requests()
    here.leave(*PUPILS["7A"][:4])
    assert here.run("sync", TENANT, "--vendor", "all").status == 0
    assert len(here.all.held("User")) == 10
    here.forget_requests()
    here.leave(*PUPILS["7B"][:5])
    assert here.run("sync", TENANT, "--vendor", "all").status == 3
    assert here.requests == []


def test_promise_4_an_ou_that_is_moved_away_removes_nobody(here):
    here.run("sync", TENANT)
    here.forget_requests()
    here.domain.add_org_unit("/Arkiv")
    here.domain.move_org_unit("/Elever", "/Arkiv")
    assert here.run("sync", TENANT).status == 3
    assert here.requests == []
    assert len(here.all.held("User")) == 14


# 5. A run with nothing changed sends nothing and writes next to nothing.

LEDGER = ("entries", "refusals", "connections", "tenants")


@contextmanager
def ledger_untouched(here: Installation) -> Iterator[None]:
    """SQLite itself counts what is written: triggers on all tables but the runs and leases."""
    path = here.folder / "skolsynk.db"
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


def test_promise_5_a_run_with_nothing_changed_sends_nothing_and_writes_nothing(here):
    assert here.run("sync", TENANT).status == 0
    here.forget_requests()
    with ledger_untouched(here):
        for _ in range(3):
            ran = here.run("sync", TENANT, "--json")
            assert ran.status == 0
            assert {c["status"] for c in ran.json["connections"]} == {"unchanged"}
            assert all(not any(c["operations"].values()) for c in ran.json["connections"])
    assert here.requests == []


def test_promise_5_what_was_refused_is_left_alone(here):
    here.all.fail(422, times=None, endpoint="StudentGroups")
    assert here.run("sync", TENANT).status == 1
    here.forget_requests()
    with ledger_untouched(here):
        assert here.run("sync", TENANT).status == 0
    assert here.requests == []


def test_promise_5_the_directory_is_asked_as_little_as_the_first_time(here):
    here.run("sync", TENANT)
    first = here.directory.queries
    here.directory.forget_requests()
    here.run("sync", TENANT)
    assert here.directory.queries <= first


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
def test_promise_7_no_output_and_no_log_names_a_person_whatever_the_vendor_says(here, template):
    """Not even at DEBUG, nor of those whom we do not know: who has left, or is protected."""
    shown = []
    with everything_logged() as logged:
        echoing(template, here.all)
        shown.append(here.run("preview", TENANT, SKOLSYNK_LOG_LEVEL="DEBUG"))
        shown.append(here.run("sync", TENANT, "--json", SKOLSYNK_LOG_LEVEL="DEBUG"))
        assert shown[-1].status == 1
        shown.append(here.run("status", TENANT))
        shown.append(here.run("status", TENANT, "--json"))
        here.leave(PUPILS["7A"][0])
        here.domain.move_user(address(*PUPILS["7A"][1]), "/Skyddade")
        here.domain.rename_user(address(*PUPILS["7B"][0]), family_name="")
        shown.append(here.run("preview", TENANT, "--json"))
        shown.append(here.run("sync", TENANT))
        shown.append(here.run("reconcile", TENANT, "--vendor", "all"))
        shown.append(here.run("withdraw", TENANT, "--vendor", "all", "--yes", "--json"))
        shown.append(here.run("status", TENANT, "--json"))
    assert any("failures" in ran.out for ran in shown)
    for ran in shown:
        assert_nobody_is_named(ran.out + ran.err)
    assert_nobody_is_named(logged.getvalue())
    with here.store() as store:
        for run in store.runs(TENANT):
            assert_nobody_is_named((run.report or b"").decode() + run.detail)


def test_promise_7_no_failure_of_the_directory_names_a_person(here):
    shown = []
    with everything_logged() as logged:
        for failure in (
            {"status": 403, "reason": "forbidden", "message": f"{EVERYBODY[0][0]} may not"},
            {"status": 400, "reason": "invalid", "message": address(*EVERYBODY[1])},
        ):
            here.directory.fail("/users", times=None, **failure)
            shown.append(here.run("sync", TENANT))
            assert shown[-1].status == 4
            here.directory.heal()
    shown.append(here.run("status", TENANT))
    for ran in shown:
        assert_nobody_is_named(ran.out + ran.err)
    assert_nobody_is_named(logged.getvalue())


def test_promise_7_a_process_of_its_own_logs_no_names_at_debug(here):
    echoing(ECHOES[0], here.all)
    with here.spawn("sync", TENANT, "--json", SKOLSYNK_LOG_LEVEL="DEBUG") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"INFO" in err
    assert_nobody_is_named(out.decode() + err.decode())


def test_promise_7_what_is_kept_of_a_delivery_has_no_names(here):
    """The ledger, the refusals and the runs; the document is the administrator's own words."""
    echoing(ECHOES[2], here.all)
    here.run("sync", TENANT)
    with here.store() as store:
        refused = [
            refusal for *_, refusal in store.ledger(LedgerKey(TENANT, "all", "live")).refused()
        ]
        runs = store.runs(TENANT)
    assert refused
    assert_nobody_is_named(" ".join(refusal.detail for refusal in refused))
    for run in runs:
        assert_nobody_is_named((run.report or b"").decode() + run.detail)
    written = b"".join(path.read_bytes() for path in here.folder.glob("skolsynk.db*"))
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
    "50 MB": {"status": 400, "megabytes": 50, "times": 1},
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
def test_promise_8_one_vendors_trouble_ends_in_a_clear_status_while_the_other_is_served(
    here, trouble
):
    here.all.fail(**{"times": None, **trouble})
    ran = here.run("sync", TENANT, "--json")
    assert ran.status == 1
    part = ran.part("all")
    assert part["status"] == "failed"
    assert part["failures"]
    assert all(failure["detail"] for failure in part["failures"])
    assert ran.part("some")["status"] == "delivered"
    assert len(here.some.held("User")) == 14
    here.all.clear()
    here.forget_requests()
    status = json.loads(here.run("status", TENANT, "--json").out)
    assert [c["last"]["status"] for c in status["connections"]] == ["failed", "delivered"]


def test_promise_8_a_vendor_that_is_not_there_or_cannot_be_trusted_is_the_same(here):
    for url in ("https://127.0.0.1:1", here.all.url.replace("http:", "https:")):
        ran = here.run("sync", TENANT, "--json", SKOLSYNK_ALL_LIVE_URL=url)
        assert ran.status == 1
        assert ran.part("all")["failures"]
    assert len(here.some.held("User")) == 14


def test_promise_8_when_the_trouble_is_over_the_next_run_puts_everything_right(here):
    here.all.fail(503, times=None, retry_after=0, skip=9)
    assert here.run("sync", TENANT).status == 1
    here.forget_requests()
    assert here.run("sync", TENANT).status == 0
    assert here.all.externalIds() == here.some.externalIds()
    assert here.some.requests == []
    here.forget_requests()
    assert here.run("sync", TENANT).status == 0
    assert here.requests == []


def test_promise_8_one_of_two_held_does_not_hold_the_other(here):
    here.connection("some", limits={"deletions": 100, "deletionsPercent": 100})
    here.run("sync", TENANT)
    here.leave(*PUPILS["7A"][:4])
    ran = here.run("sync", TENANT, "--json")
    assert ran.status == 3
    assert [c["status"] for c in ran.json["connections"]] == ["held", "delivered"]
    assert (len(here.all.held("User")), len(here.some.held("User"))) == (14, 10)
