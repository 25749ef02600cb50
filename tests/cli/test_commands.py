"""Every command does what docs/commands.md says, and ends with the exit status that it says."""

import json
import os
import pty
import re
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.small_school import DOCUMENT, PUPILS, TENANT, leave, small_school

REPORT = {"tenant", "run", "directory", "roster", "findings", "connections", "reading"}
CONNECTION = {"vendor", "mode", "status", "operations", "failures"}


@pytest.fixture
def world(tmp_path):
    with small_school(tmp_path) as world:
        yield world


def only_json(ran) -> dict:
    """The one JSON object that is all of standard output, with nothing on standard error."""
    assert ran.err == ""
    assert ran.out.count("\n") == 1
    assert ran.out.endswith("\n")
    return ran.json


def one_line(ran) -> str:
    """The one line on standard error of a command that did nothing."""
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("skolsynk: ")
    return ran.err


# Tenant documents


def test_export_gives_back_the_bytes_that_were_imported(world):
    written = json.dumps(world.document, ensure_ascii=False, indent=3).encode() + b"\n"
    (world.folder / "mine.json").write_bytes(written)
    assert world.run("tenant", "import", str(world.folder / "mine.json")).status == 0
    ran = world.run("tenant", "export", TENANT)
    assert (ran.status, ran.raw, ran.err) == (0, written, "")


def test_export_adds_nothing_to_a_document_without_a_last_line_feed(world):
    written = json.dumps(world.document).encode()
    assert world.run("tenant", "import", "-", stdin=written).status == 0
    assert world.run("tenant", "export", TENANT).raw == written


def test_a_document_with_a_byte_order_mark_works_like_any_other(world):
    written = b"\xef\xbb\xbf" + json.dumps(world.document).encode()
    assert world.run("tenant", "import", "-", stdin=written).status == 0
    assert world.run("tenant", "export", TENANT).raw == written
    assert world.run("sync", TENANT).status == 0


def test_an_import_is_in_the_log_of_changes_with_what_it_changes(world):
    world.document["organisation"]["name"] = "Storvik"
    written = json.dumps(world.document).encode()
    before = logged(world)
    assert world.run("tenant", "import", "-", stdin=written).status == 0
    assert world.run("tenant", "import", "-", stdin=written).status == 0  # changes nothing
    (entry,) = (entry for entry in logged(world) if entry not in before)
    assert (entry.who, entry.what) == ("command line", "document.imported")
    assert [(c.place, c.before, c.after) for c in entry.changes] == [
        ("organisation.name", '"Storviks kommun"', '"Storvik"')
    ]


def test_an_import_replaces_what_an_earlier_version_has_kept(world):
    with world.open_store() as store:
        store.save_tenant(TENANT, b'{"another": "form"}')
    assert world.run("tenant", "import", "-", stdin=json.dumps(DOCUMENT).encode()).status == 0
    assert world.run("sync", TENANT).status == 0


def logged(world):
    with world.open_store() as store:
        return store.audit_entries(TENANT)


def test_what_was_exported_can_be_imported(world):
    exported = world.run("tenant", "export", TENANT).raw
    assert world.run("tenant", "import", "-", stdin=exported).status == 0
    assert world.run("tenant", "export", TENANT).raw == exported


def test_an_import_says_what_it_imported(world):
    ran = world.run("tenant", "import", "-", stdin=json.dumps(DOCUMENT).encode())
    assert ran.status == 0
    assert ran.out == f"{TENANT} imported: 1 school unit, all (live), some (live)\n"


def test_an_import_tells_every_fault_with_its_place_and_changes_nothing(world):
    before = world.run("tenant", "export", TENANT).raw
    faulty = json.loads(json.dumps(DOCUMENT))
    faulty["schoolUnits"][0]["code"] = "123"
    faulty["schoolUnits"][0]["classes"]["pattern"] = "(?P<name>"
    faulty["schoolUnits"][0]["students"]["orgUnits"] = ["Elever"]
    faulty["connections"][1]["vendor"] = "nobody"
    faulty["extra"] = 1
    ran = world.run("tenant", "import", "-", stdin=json.dumps(faulty).encode())
    assert (ran.status, ran.out) == (2, "")
    for place in (
        "schoolUnits[0].code",
        "schoolUnits[0].classes.pattern",
        "schoolUnits[0].students.orgUnits[0]",
        "connections[1].vendor",
        "extra",
    ):
        assert re.search(rf"^(skolsynk: )?{re.escape(place)}: ", ran.err, re.MULTILINE), place
    assert world.run("tenant", "export", TENANT).raw == before


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b"\xff\xfe", b'{"customerId": 7}'])
def test_what_is_no_document_is_reported_and_not_imported(world, document):
    ran = world.run("tenant", "import", "-", stdin=document)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("skolsynk: ")


def test_a_file_that_is_not_there_is_reported(world):
    ran = world.run("tenant", "import", str(world.folder / "nowhere.json"))
    assert ran.status == 2
    assert "nowhere.json cannot be read" in one_line(ran)


def test_tenants_are_listed(world):
    other = {**DOCUMENT, "customerId": "C0annan"}
    assert world.run("tenant", "import", "-", stdin=json.dumps(other).encode()).status == 0
    ran = world.run("tenant", "list")
    assert (ran.status, ran.out, ran.err) == (0, f"C0annan\n{TENANT}\n", "")


def test_no_tenants_are_an_empty_list(world, tmp_path):
    ran = world.run("tenant", "list", SKOLSYNK_STORE=f"sqlite:///{tmp_path}/new.db")
    assert (ran.status, ran.out) == (0, "")


# Bad usage and configuration

COMMANDS = [
    ("preview", TENANT),
    ("sync", TENANT),
    ("approve", TENANT, "--vendor", "all"),
    ("reconcile", TENANT, "--vendor", "all"),
    ("withdraw", TENANT, "--vendor", "all"),
    ("status", TENANT),
    ("tenant", "export", TENANT),
    ("tenant", "list"),
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SKOLSYNK_STORE", "postgres://x"),
        ("SKOLSYNK_STORE", ""),
        ("SKOLSYNK_DIRECTORY_ENDPOINT", "not an address"),
        ("SKOLSYNK_VENDORS", "/nowhere/vendors.toml"),
        ("SKOLSYNK_LOG_LEVEL", "LOUD"),
        ("SKOLSYNK_STROE", "sqlite:///x.db"),
        ("FIRESTORE_EMULATOR_HOST", "nonsense nonsense"),
    ],
)
def test_malformed_settings_stop_every_command_with_one_line(world, name, value):
    world.directory.forget_requests()
    for command in COMMANDS:
        ran = world.run(*command, **{name: value})
        assert ran.status == 2
        assert name in one_line(ran)
    assert world.requests == []
    assert world.directory.queries == 0


def test_vendor_profiles_that_are_not_right_stop_with_one_line(world):
    (world.folder / "vendors.toml").write_text("[vendors.all]\nnam = 7\n")
    ran = world.run("sync", TENANT)
    assert ran.status == 2
    assert "vendors.all.nam" in one_line(ran)


def test_an_unknown_tenant_is_told_by_every_command(world):
    for command in (c for c in COMMANDS if TENANT in c):
        ran = world.run(*("C0nobody" if part == TENANT else part for part in command))
        assert ran.status == 2
        assert "C0nobody" in one_line(ran)
    assert world.requests == []


def test_an_unknown_vendor_is_told_by_every_command(world):
    for command in ("preview", "sync", "approve", "reconcile", "withdraw"):
        ran = world.run(command, TENANT, "--vendor", "nobody")
        assert ran.status == 2
        assert "nobody" in one_line(ran)
    assert world.requests == []


def test_bad_usage_is_reported_on_standard_error(world):
    for arguments in (
        (),
        ("dance",),
        ("tenant",),
        ("sync",),
        ("sync", TENANT, "--vendor"),
        ("sync", TENANT, "--seconds", "-1"),
        ("sync", TENANT, "--seconds", "nan"),
        ("approve", TENANT),
        ("withdraw", TENANT),
        ("reconcile", TENANT),
        ("status", TENANT, "--csv", "x"),
    ):
        ran = world.run(*arguments)
        assert (ran.status, ran.out) == (2, ""), arguments
        assert "usage:" in ran.err
    assert world.requests == []


def test_help_tells_every_command_and_exit_status(world):
    ran = world.run("--help")
    assert ran.status == 0
    for word in "tenant preview sync approve reconcile withdraw status serve demo".split():
        assert word in ran.out
    for status in "01234":
        assert re.search(rf"\b{status} \w", ran.out)


def test_a_port_that_is_taken_is_reported_in_a_line(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = world.run("serve", "--port", str(port))
    assert ran.status == 2
    assert ran.err == f"skolsynk: port {port} is taken; choose another with --port\n"


def test_a_store_that_cannot_be_used_is_reported(world, tmp_path):
    (tmp_path / "text.db").write_text("this is no database, but it is long enough to be read")
    ran = world.run("sync", TENANT, SKOLSYNK_STORE=f"sqlite:///{tmp_path}/text.db")
    assert ran.status == 2
    assert "text.db" in one_line(ran)


# Preview


def test_a_preview_tells_what_a_run_would_do_and_sends_nothing(world):
    report = only_json(world.run("preview", TENANT, "--json"))
    assert set(report) >= REPORT
    assert report["tenant"] == TENANT
    assert report["directory"]["users"] == 15
    assert set(report["directory"]) >= {"users", "groups", "orgUnits"}
    assert report["roster"] == {"students": 12, "staff": 2, "classes": 2, "teachingGroups": 0}
    for connection in report["connections"]:
        assert set(connection) >= CONNECTION
        assert connection["operations"]["create"]["User"] == 14
        assert set(connection["operations"]) == {"create", "update", "delete"}
    assert world.requests == []
    assert only_json(world.run("preview", TENANT, "--json"))["connections"] == report["connections"]


def test_a_preview_of_one_vendor_is_of_that_vendor(world):
    report = only_json(world.run("preview", TENANT, "--vendor", "some", "--json"))
    assert [c["vendor"] for c in report["connections"]] == ["some"]


def test_a_preview_is_reported_in_words(world):
    ran = world.run("preview", TENANT)
    assert (ran.status, ran.err) == (0, "")
    assert "12 students, 2 staff, 2 classes" in ran.out
    assert "all (live): would be delivered" in ran.out
    assert ran.out.endswith("Nothing was sent.\n")


def test_a_preview_with_a_csv_tells_the_decision_about_everybody(world):
    path = world.folder / "overview.csv"
    assert only_json(world.run("preview", TENANT, "--csv", str(path), "--json"))
    lines = path.read_bytes().decode("utf-8-sig").splitlines()
    assert lines[0] == (
        "id,primaryEmail,familyName,givenName,orgUnitPath,role,schoolUnits,classes,"
        "teachingGroups,vendor,decision,reason"
    )
    assert len(lines) == 1 + 15 * 2
    assert sum(",sent," in line for line in lines) == 14 * 2
    assert world.requests == []


def test_a_csv_that_cannot_be_written_is_reported(world):
    ran = world.run("preview", TENANT, "--csv", str(world.folder / "no" / "overview.csv"))
    assert ran.status == 2
    assert "overview.csv cannot be written" in one_line(ran)


# Sync


def test_a_sync_delivers_to_every_vendor(world):
    report = only_json(world.run("sync", TENANT, "--json"))
    assert set(report) >= REPORT
    for connection, server in zip(
        report["connections"], (world.vendor("all"), world.vendor("some")), strict=True
    ):
        assert set(connection) >= CONNECTION
        assert (connection["mode"], connection["status"]) == ("live", "delivered")
        assert connection["failures"] == []
        assert connection["operations"]["create"]["User"] == 14
        assert len(server.held("User")) == 14
    assert world.vendor("all", "test").requests == []


def test_a_sync_with_nothing_to_do_is_unchanged(world):
    world.run("sync", TENANT)
    world.forget_requests()
    ran = world.run("sync", TENANT, "--json")
    assert ran.status == 0
    assert {c["status"] for c in only_json(ran)["connections"]} == {"unchanged"}
    assert world.requests == []


def test_a_sync_of_one_vendor_leaves_the_other_alone(world):
    report = only_json(world.run("sync", TENANT, "--vendor", "some", "--json"))
    assert [c["vendor"] for c in report["connections"]] == ["some"]
    assert world.vendor("all").requests == []
    assert len(world.vendor("some").held("User")) == 14


def test_a_sync_is_reported_in_words(world):
    ran = world.run("sync", TENANT)
    assert (ran.status, ran.err) == (0, "")
    assert "some (live): delivered\n  created: 1 Organisation, 1 SchoolUnit, 14 User" in ran.out


def test_test_and_live_have_endpoints_and_ledgers_of_their_own(world):
    world.change_connection("all", mode="test")
    assert world.run("sync", TENANT, "--vendor", "all", "--json").part("all")["mode"] == "test"
    assert world.vendor("all").requests == []
    assert len(world.vendor("all", "test").held("User")) == 14
    world.change_connection("all", mode="live")
    part = world.run("sync", TENANT, "--vendor", "all", "--json").part("all")
    assert part["operations"]["create"]["User"] == 14
    assert len(world.vendor("all").held("User")) == 14


def test_a_connection_that_is_off_sends_nothing_and_keeps(world):
    world.run("sync", TENANT)
    world.forget_requests()
    world.change_connection("all", mode="off")
    ran = world.run("sync", TENANT, "--json")
    assert (ran.status, ran.part("all")["status"]) == (0, "off")
    assert world.vendor("all").requests == []
    assert len(world.vendor("all").held("User")) == 14


def test_failures_end_with_1_and_are_reported(world):
    world.vendor("all").fail(422, skip=3, endpoint="Users", body=b'{"detail": "invalid value"}')
    ran = world.run("sync", TENANT, "--json")
    assert ran.status == 1
    assert ran.part("some")["status"] == "delivered"
    part = ran.part("all")
    assert part["status"] == "failed"
    (failure,) = part["failures"]
    assert (
        failure.items()
        >= {
            "operation": "create",
            "resourceType": "User",
            "httpStatus": 422,
            "detail": "invalid value",
        }.items()
    )
    assert re.fullmatch(r"[0-9a-f-]{36}", failure["externalId"])
    assert part["operations"]["create"]["User"] == 13


def test_a_key_that_is_not_accepted_ends_with_1_and_one_message(world):
    ran = world.run("sync", TENANT, "--json", SKOLSYNK_ALL_LIVE_KEY="wrong")
    assert ran.status == 1
    (failure,) = ran.part("all")["failures"]
    assert failure["httpStatus"] == 401
    assert "key" in failure["detail"]
    assert "wrong" not in ran.out + ran.err
    assert ran.part("some")["status"] == "delivered"


def test_a_vendor_that_is_not_set_up_ends_with_2_while_the_other_is_served(world):
    ran = world.run("sync", TENANT, "--json", SKOLSYNK_ALL_LIVE_KEY=None)
    assert ran.status == 2
    assert ran.part("all")["status"] == "failed"
    assert "SKOLSYNK_ALL_LIVE_KEY" in json.dumps(ran.part("all"))
    assert ran.part("some")["status"] == "delivered"
    assert len(world.vendor("some").held("User")) == 14
    assert world.vendor("all").requests == []


def test_a_directory_that_cannot_be_read_ends_with_4_and_nothing_is_sent(world):
    world.directory.fail("/users", status=403, reason="forbidden", times=None)
    for command in (("sync", TENANT, "--json"), ("preview", TENANT, "--json")):
        ran = world.run(*command)
        assert ran.status == 4
        assert "Google does not let Skolsynk read" in one_line(ran)
    assert world.requests == []
    assert world.run("status", TENANT, "--json").json["lastRun"]["status"] == "unread"


def test_a_plan_that_removes_too_many_ends_with_3(world):
    world.run("sync", TENANT)
    world.forget_requests()
    leave(world, *PUPILS["7A"][:4])
    ran = world.run("sync", TENANT, "--json")
    assert ran.status == 3
    for connection in only_json(ran)["connections"]:
        assert connection["status"] == "held"
        assert connection["operations"]["delete"]["User"] == 4
        assert connection["hold"]["people"] == 4
        assert "the limit is 3" in connection["hold"]["reason"]
    assert world.requests == []


def test_time_that_is_spent_ends_with_1_and_says_how_much_is_left(world):
    world.vendor("all").knobs.latency = 0.1
    ran = world.run("sync", TENANT, "--vendor", "all", "--seconds", "0.5", "--json")
    part = ran.part("all")
    assert ran.status == 1
    assert part["left"] > 0
    world.vendor("all").knobs.latency = 0
    again = world.run("sync", TENANT, "--vendor", "all", "--json")
    assert again.status == 0
    assert sum(again.part("all")["operations"]["create"].values()) == part["left"]


# Approve, reconcile, withdraw, status


def test_an_approval_lets_the_held_plan_go(world):
    world.run("sync", TENANT)
    leave(world, *PUPILS["7A"][:4])
    world.run("sync", TENANT)
    ran = world.run("approve", TENANT, "--vendor", "all", "--json")
    assert ran.status == 0
    assert ran.part("all")["operations"]["delete"] == {"User": 4}
    assert (len(world.vendor("all").held("User")), len(world.vendor("some").held("User"))) == (
        10,
        14,
    )


def test_nothing_to_approve_is_bad_usage(world):
    ran = world.run("approve", TENANT, "--vendor", "all")
    assert ran.status == 2
    assert "nothing" in one_line(ran)


def test_a_reconciliation_tells_the_drift(world):
    world.run("sync", TENANT)
    gone = next(iter(world.vendor("all").held("User")))
    world.vendor("all")._state._delete("Users", gone)
    report = only_json(world.run("reconcile", TENANT, "--vendor", "all", "--json"))
    users = next(t for t in report["types"] if t["resourceType"] == "User")
    assert (users["there"], users["missing"]) == (13, 1)
    words = world.run("reconcile", TENANT, "--vendor", "all")
    assert words.status == 0
    assert "User: 13 there" in words.out


def test_a_withdrawal_removes_everything_and_turns_the_connection_off(world):
    world.run("sync", TENANT)
    held = world.run("withdraw", TENANT, "--vendor", "all", "--json")
    assert (held.status, held.part("all")["status"]) == (3, "held")
    ran = world.run("withdraw", TENANT, "--vendor", "all", "--yes", "--json")
    assert (ran.status, ran.part("all")["status"]) == (0, "delivered")
    assert world.vendor("all").externalIds() == []
    assert len(world.vendor("some").held("User")) == 14
    document = json.loads(world.run("tenant", "export", TENANT).out)
    assert [c["mode"] for c in document["connections"]] == ["off", "live"]


def test_the_status_tells_runs_holds_failures_and_what_is_missing(world):
    fresh = only_json(world.run("status", TENANT, "--json"))
    assert fresh["tenant"] == TENANT
    assert fresh["lastRun"] is None
    assert [c["resources"] for c in fresh["connections"]] == [0, 0]
    world.vendor("all").fail(400, times=None, endpoint="StudentGroups", body=b"invalid")
    world.run("sync", TENANT)
    leave(world, *PUPILS["7B"][:4])
    world.run("sync", TENANT)
    ran = world.run("status", TENANT, "--json", SKOLSYNK_SOME_LIVE_URL=None)
    assert ran.status == 0
    found = only_json(ran)
    assert found["lastRun"]["status"] == "held"
    both = {c["vendor"]: c for c in found["connections"]}
    assert both["all"]["resources"] == 1 + 1 + 14 + 2
    assert len(both["all"]["refused"]) == 2
    assert both["all"]["refused"][0]["httpStatus"] == 400
    assert both["all"]["hold"]["people"] == 4
    assert both["all"]["problem"] is None
    assert both["all"]["last"]["status"] == "held"
    assert "SKOLSYNK_SOME_LIVE_URL" in both["some"]["problem"]
    words = world.run("status", TENANT).out
    assert "held: 4 people would be removed" in words
    assert "refused: create StudentGroup" in words


# In a process of its own


def test_the_program_runs_as_a_module_and_gives_json_alone(world):
    with world.spawn("sync", TENANT, "--json") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == b""
    assert set(json.loads(out)) >= REPORT


def test_progress_is_shown_on_a_terminal_and_goes_away(world):
    world.vendor("all").knobs.latency = world.vendor("some").knobs.latency = 0.02
    ours, theirs = pty.openpty()
    with world.spawn("sync", TENANT, "--json", stderr=theirs) as process:
        os.close(theirs)
        shown = b"".join(read_terminal(ours))
        out = process.stdout.read()
    assert process.returncode == 0
    assert set(json.loads(out)) >= REPORT
    assert re.search(rb"Delivering: .*all \d+/\d+", shown)
    assert shown.endswith(b"\r\x1b[K")


def read_terminal(number: int):
    """All that is shown on a terminal, until those who write to it have gone."""
    with open(number, "rb", buffering=0) as terminal, suppress(OSError):
        while chunk := terminal.read(4096):
            yield chunk


def test_an_interruption_ends_with_1_and_loses_and_doubles_nothing(world):
    world.vendor("all").knobs.latency = 0.05
    process = world.spawn("sync", TENANT, "--vendor", "all")
    with process:
        while len(world.vendor("all").held("User")) < 3:
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.decode().startswith("skolsynk: stopped")
    assert "Traceback" not in err.decode()
    before = len(world.vendor("all").held("User"))
    world.vendor("all").knobs.latency = 0
    world.vendor("all").clear()
    assert world.run("sync", TENANT, "--vendor", "all").status == 0
    ids = world.vendor("all").externalIds()
    assert len(ids) == len(set(ids)) == 1 + 1 + 14 + 2 + 2
    posts = [r for r in world.vendor("all").requests if (r.method, r.path) == ("POST", "/Users")]
    assert len(posts) == 14 - before


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_at_any_moment_loses_and_doubles_nothing(world, end):
    world.vendor("all").knobs.latency = 0.05
    process = world.spawn("sync", TENANT, "--vendor", "all")
    with process:
        while len(world.vendor("all").held("User")) < 3:
            assert process.poll() is None, process.communicate()
        process.send_signal(end)
        process.communicate(timeout=30)
    # What was under way at the vendor has its effect some time after the process has died.
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 5 * world.vendor("all").knobs.latency:
        if len(world.vendor("all").externalIds()) != last:
            last, since = len(world.vendor("all").externalIds()), time.monotonic()
    world.vendor("all").knobs.latency = 0
    assert world.run("sync", TENANT, "--vendor", "all").status == 0
    ids = world.vendor("all").externalIds()
    assert len(ids) == len(set(ids)) == 1 + 1 + 14 + 2 + 2
    assert world.run("status", TENANT, "--json").json["connections"][0]["uncertain"] == 0


def test_output_that_nobody_reads_is_no_failure(world):
    world.run("sync", TENANT)
    with world.spawn("tenant", "export", TENANT) as process:
        process.stdout.close()
        err = process.stderr.read()
        process.wait(30)
    assert b"Traceback" not in err


def test_the_reference_has_every_command():
    readme = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
    for command in "tenant import,tenant export,tenant list,preview,sync,approve".split(","):
        assert command in readme
    for command in "reconcile,withdraw,status,serve,demo".split(","):
        assert command in readme
