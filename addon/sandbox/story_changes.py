"""The second half of the demo's story: a school year of changes, mistakes and trouble."""

from addon.sandbox.demo_environment import DemoEnvironment, DemoRun, expect
from addon.sandbox.google_objects import JSON
from addon.sandbox.municipality.irregularities import PROTECTED_GROUP
from addon.sandbox.municipality.units import DOMAIN
from addon.sandbox.story import run, tell_connections
from addon.sandbox.terminal import Terminal
from addon.sandbox.vendor_rules import SCHOOL_USER
from addon.sandbox.watch import Seen, WatchedWrite
from addon.text import counted

NORTH, SOUTH = "/Elever/Norra skolan", "/Södra skolan/Elever"
REQUEST = ("request", "resource", "externalId", "")
ASIDE = "/Vilande"
NEWCOMER = f"tuva.ekdal@{DOMAIN}"
LATECOMER = f"sixten.ekdal@{DOMAIN}"


def the_changes(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Let people start, leave, change name and change school, and rename a class."""
    domain = demo.domain
    leaver = demo.take_student(f"{SOUTH}/Åk 5/5A")
    renamed = demo.take_student(f"{NORTH}/8A")
    mover = demo.take_student(f"{NORTH}/6A")
    old_address = renamed["primaryEmail"]
    new_address = f"{old_address.partition('.')[0]}.ekdal@{DOMAIN}"
    terminal.rows(
        [
            ("starts", f"Tuva Ekdal ({NEWCOMER}) in 3A at Norra skolan"),
            ("leaves", f"{_name(leaver)}, 5A at Södra skolan: the account is deleted"),
            ("new name", f"{_name(renamed)}, 8A at Norra skolan, is now called Ekdal"),
            ("new class", "4A at Norra skolan is renamed to 4 Björk"),
            ("new school", f"{_name(mover)} moves from 6A at Norra skolan to 6A at Södra skolan"),
        ]
    )
    _enrol(demo, NEWCOMER, "Tuva", f"{NORTH}/3A")
    domain.remove_user(leaver["id"])
    domain.rename_user(renamed["id"], family_name="Ekdal")
    domain.change_address(renamed["id"], new_address)
    domain.rename_org_unit(f"{NORTH}/4A", "4 Björk")
    domain.move_user(mover["id"], f"{SOUTH}/Åk 6/6A")

    outcome = run(demo, terminal)
    expect(outcome.report.exit_status == 0, "the changes are delivered in full")
    _tell_writes(demo, outcome, terminal)
    for vendor, seen in outcome.seen.items():
        expect(all(w.done for w in seen.writes), f"{vendor} takes all that is sent")
        new, gone = seen.of("POST", "User"), seen.of("DELETE", "User")
        changed = {_address(w): w for w in seen.of("PUT", "User")}
        expect([_address(w) for w in new] == [NEWCOMER], f"{vendor} gets the newcomer alone")
        expect(_addresses(gone) == [leaver["primaryEmail"]], f"{vendor} loses the leaver alone")
        expect(
            changed.keys() == {new_address, mover["primaryEmail"]},
            f"{vendor} gets a new name and a new school, and nobody else's data again",
        )
        name = changed[new_address].before or {}
        expect(name.get("userName") == old_address, f"{vendor} knows {new_address} by the old id")
        moved = changed[mover["primaryEmail"]]
        expect(_schools(moved.before) != _schools(moved.after), f"{vendor} moves the pupil")
        classes = [w for w in seen.of("PUT", "StudentGroup") if _label(w.after) == "4 Björk"]
        expect(
            [_label(w.before) for w in classes] == ["4A"],
            f"{vendor} knows 4 Björk as the class that was 4A",
        )
        for write in (*changed.values(), *classes):
            expect(_same(write), f"{vendor} keeps the externalId through a change")
    terminal.label("What stayed")
    terminal.why(
        "Name, address, school and class changed, and every externalId is the same as before: "
        "work done at the vendor is still the pupil's own. Nobody in 4 Björk was sent again."
    )


def the_hold(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Show a plan that removes too much: it is held, and released when the cause is corrected."""
    domain = demo.domain
    domain.move_people(NORTH, ASIDE)
    terminal.rows([("moved", f"everybody in {NORTH} is in {ASIDE} now, which no selection names")])
    outcome = run(demo, terminal)
    tell_connections(outcome.report, terminal)
    rows = []
    for connection in outcome.report.connections:
        expect(connection.status == "held", f"{connection.vendor} is held")
        hold = demo.store.hold(demo.key(connection.vendor))
        expect(hold is not None, f"the hold at {connection.vendor} waits for a person")
        rows.append((connection.vendor, connection.hold.reason if connection.hold else ""))
    expect(outcome.silent, "nothing of a held plan is sent")
    terminal.label("Why it waits")
    terminal.rows(rows)
    terminal.why(
        "No request was sent, exit status 3. `approve` would let exactly these removals go. "
        "But it was a mistake, so they are moved back."
    )
    domain.move_people(ASIDE, NORTH)
    outcome = run(demo, terminal)
    tell_connections(outcome.report, terminal)
    expect(outcome.report.exit_status == 0 and outcome.silent, "moved back, nothing is to be done")
    holds = [demo.store.hold(demo.key(vendor)) for vendor in demo.vendors]
    expect(holds == [None, None], "moved back, nothing waits any longer")
    terminal.why("The holds are gone, and still nothing had to be sent.")


def protected_identity(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Let someone who has been sent get protected identity."""
    pupil = demo.take_student(f"{SOUTH}/Åk 9/9A")
    held = {vendor: _held_as(demo, vendor, pupil) for vendor in demo.vendors}
    expect(all(held.values()), "the pupil was at both vendors")
    demo.domain.add_member(PROTECTED_GROUP, pupil["id"])
    terminal.rows([("protected", f"a pupil is put in the group {PROTECTED_GROUP}")])
    outcome = run(demo, terminal)
    expect(outcome.report.exit_status == 0, "the removal is delivered in full")
    for vendor, seen in outcome.seen.items():
        first = seen.writes[0]
        expect(
            (first.method, first.kind, first.external_id) == ("DELETE", "User", held[vendor]),
            f"the pupil's removal is the first that {vendor} hears",
        )
        expect(len(seen.of("DELETE", "User")) == 1, f"{vendor} loses nobody else")
        expect(not _held_as(demo, vendor, pupil), f"{vendor} has nothing of the pupil left")
        terminal.label(f"{demo.vendors[vendor].name}: {_requests(seen.asked)}, the removal first")
        terminal.rows(seen.counted())
    report = outcome.report.json().decode()
    for told in (pupil["id"], pupil["primaryEmail"], *held.values()):
        expect(told not in report, "nothing in the report is about the pupil")
    terminal.why(
        "No limit stops such a removal, and no log, finding or report says who it was. "
        f"{counted(len(demo.protected()), 'person is', 'people are')} protected now."
    )


def the_trouble(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Let one vendor fail; the other is not affected."""
    binogi = demo.vendors["binogi"]
    _enrol(demo, LATECOMER, "Sixten", f"{NORTH}/2A")
    terminal.rows([("starts", f"Sixten Ekdal ({LATECOMER}) in 2A at Norra skolan")])
    binogi.fail(503, times=1_000_000)
    outcome = run(demo, terminal)
    tell_connections(outcome.report, terminal)
    failed, served = outcome.of("binogi"), outcome.of("gleerups")
    expect(failed.status == "failed" and failed.left > 0, "Binogi could not be served")
    expect(served.status == "delivered", "Gleerups is served in full")
    expect(outcome.report.exit_status == 1, "the run says that something failed")
    times = counted(outcome.seen["binogi"].asked, "time", "times")
    terminal.why(
        f"Binogi: {failed.detail}. It was asked {times}, longer "
        "and longer apart, then let alone. What it lacks waits for the next run. Exit status 1."
    )
    binogi.clear_failures()
    terminal.label("Binogi has recovered, and the next run needs no help")
    outcome = run(demo, terminal)
    expect(outcome.report.exit_status == 0, "the next run delivers what was left")
    expect(outcome.seen["gleerups"].asked == 0, "Gleerups is not told anything twice")
    _tell_writes(demo, outcome, terminal)
    for vendor, server in demo.vendors.items():
        users = server.resources()["User"]
        expect(len({u["externalId"] for u in users}) == len(users), f"{vendor} has nobody twice")
        addresses = [u["userName"] for u in users]
        expect(addresses.count(LATECOMER) == 1, f"{vendor} has the newcomer once")


# Shared by the steps


def _enrol(demo: DemoEnvironment, address: str, given_name: str, org_unit: str) -> None:
    name = {"givenName": given_name, "familyName": "Ekdal"}
    demo.domain.add_user({"primaryEmail": address, "name": name, "orgUnitPath": org_unit})


def _number(seen: Seen) -> str:
    """Return the number of requests, and how many of them only read."""
    if not seen.asked:
        return "no request"
    questions = seen.asked - len(seen.writes)
    return _requests(seen.asked) + (f", {questions} to ask what is there" if questions else "")


def _requests(number: int) -> str:
    return counted(number, "request", "requests")


def _tell_writes(demo: DemoEnvironment, outcome: DemoRun, terminal: Terminal) -> None:
    """Print the requests that each vendor received."""
    for vendor, seen in outcome.seen.items():
        status = outcome.of(vendor).status
        terminal.label(f"{demo.vendors[vendor].name}: {status}, {_number(seen)}")
        terminal.rows(seen.rows(), head=REQUEST if seen.writes else ())


def _held_as(demo: DemoEnvironment, vendor: str, user: JSON) -> str:
    """Return the person's externalId at a vendor; empty when the vendor does not have them."""
    users = demo.vendors[vendor].resources()["User"]
    return next((u["externalId"] for u in users if u["userName"] == user["primaryEmail"]), "")


def _name(user: JSON) -> str:
    return str(user["name"]["fullName"])


def _address(write: WatchedWrite) -> str:
    return str((write.after or write.before or {}).get("userName"))


def _addresses(writes: list[WatchedWrite]) -> list[str]:
    return [_address(write) for write in writes]


def _label(resource: object) -> str:
    return str(resource.get("displayName")) if isinstance(resource, dict) else ""


def _schools(resource: object) -> list[str]:
    school = resource.get(SCHOOL_USER) if isinstance(resource, dict) else None
    return [each["value"] for each in (school or {}).get("enrolments") or ()]


def _same(write: WatchedWrite) -> bool:
    before, after = write.before, write.after
    return bool(before and after and before["externalId"] == after["externalId"])
