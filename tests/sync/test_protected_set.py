"""Protection is believed at once, and ended only by a person: nobody protected is ever sent."""

import json
import sqlite3

import pytest
from msgspec import structs

from addon.directory.errors import DirectoryError
from addon.settings import SqliteAddress
from addon.sync.run import deliver, plan_run, preview, sync
from tests.support.small_school import DOMAIN, PUPILS, STAFF, TENANT, address, small_school

WHO, OTHER = address(*PUPILS["7A"][0]), address(*PUPILS["7B"][0])
GROUP = f"skyddade@{DOMAIN}"


@pytest.fixture
def world(tmp_path):
    """Everybody is at the vendors except WHO, who is in a protected group."""
    with small_school(tmp_path) as world:
        world.domain.add_group({"email": GROUP, "name": "Skyddade"}, members=[WHO])
        world.document["protected"]["groups"] = [GROUP]
        world.import_document()
        assert world.run("sync", TENANT).status == 0
        world.forget_requests()
        yield world


def id_of(world, email):
    return world.domain.find_user(email)["id"]


def names(server):
    return {user["userName"] for user in server.held("User").values()}


def sent(world, email):
    """Whether anything that was sent since has the person's address."""
    return any(email.encode() in r.body for s in world.vendors.values() for r in s.requests)


def run(world, *more):
    return world.run("sync", TENANT, *more, "--json")


def codes(result):
    return {finding["code"] for finding in result.json["findings"]}


def thin(world):
    world.domain.remove_member(GROUP, WHO)


def deselect(world):
    world.domain.move_user(WHO, "/Elever/7A")
    world.document["protected"]["groups"] = []
    world.import_document()


@pytest.mark.parametrize("end", [thin, deselect])
def test_protection_that_ends_is_believed_only_when_a_person_says_so(world, end):
    end(world)
    result = run(world)
    assert (result.status, codes(result)) == (0, {"protection-ended"})
    assert not sent(world, WHO)
    assert "protection-ended" in codes(run(world))
    assert world.run("release", TENANT, "--user", id_of(world, WHO)).status == 0
    assert codes(run(world)) == set()
    assert WHO in names(world.vendor("all")) & names(world.vendor("some"))


def test_a_group_that_answers_empty_once_changes_nothing(world):
    thin(world)
    run(world)
    world.domain.add_member(GROUP, WHO)
    result = run(world)
    assert codes(result) == set()
    assert world.requests == []
    assert world.run("release", TENANT, "--user", id_of(world, WHO)).status == 2
    assert world.run("release", TENANT, "--all").out.startswith(f"{TENANT}: 0 released")


def test_release_needs_to_know_whom(world):
    assert world.run("release", TENANT).status == 2
    assert world.run("release", "C0nobody", "--all").status == 2


def test_who_leaves_protected_is_no_finding(world):
    """Google says that the account does not exist, so nothing has ended that could be sent."""
    world.domain.remove_user(WHO)
    assert codes(run(world)) == set()


def test_all_are_released_at_once(world):
    world.domain.add_member(GROUP, OTHER)
    run(world)
    thin(world)
    world.domain.remove_member(GROUP, OTHER)
    run(world)
    assert "2 released" in world.run("release", TENANT, "--all").out
    run(world)
    assert {WHO, OTHER} <= names(world.vendor("all"))
    with world.open_store() as store:
        assert [e.what for e in store.audit_entries(TENANT)][:1] == ["protection.released"]


def test_a_preview_tells_it_and_sends_nothing(world):
    thin(world)
    with world.sync_context() as context:
        report, prepared = preview(context, TENANT)
    assert [f.code for f in report.findings] == ["protection-ended"]
    assert WHO not in {person.primary_email for person in prepared.roster.people.values()}


# Planned before somebody was protected


def planned(world):
    """A run that has read and planned to send a new pupil, and a newer name of another."""
    world.domain.add_user(
        {
            "primaryEmail": f"ny.elev@{DOMAIN}",
            "orgUnitPath": "/Elever/7A",
            "name": {"givenName": "Ny", "familyName": "Elev"},
        }
    )
    with world.sync_context() as context:
        return plan_run(context, TENANT).run


def test_a_run_planned_before_somebody_was_protected_does_not_send_them(world):
    new = f"ny.elev@{DOMAIN}"
    planned_run = planned(world)
    world.domain.add_member(GROUP, new)
    run(world)  # a newer run knows
    with world.sync_context() as context:
        for vendor in ("all", "some"):
            deliver(context, TENANT, vendor, planned_run, 60)
    assert not sent(world, new)


def test_a_run_planned_before_a_group_was_protected_reads_again(world):
    """The snapshot has no members of a group that nobody needed then: that is not nobody."""
    new, other = f"ny.elev@{DOMAIN}", f"andra@{DOMAIN}"
    planned_run = planned(world)
    world.domain.add_group({"email": other, "name": "Andra"}, members=[new])
    world.document["protected"]["groups"] = [GROUP, other]
    world.import_document()
    with world.sync_context() as context:
        for vendor in ("all", "some"):
            deliver(context, TENANT, vendor, planned_run, 60)
    assert not sent(world, new)


def test_who_becomes_protected_during_a_delivery_is_not_sent(world):
    """Another reading knows after this run has read and before it sends."""
    new = f"ny.elev@{DOMAIN}"
    planned(world)
    with world.sync_context() as context:
        reading = context.read_directory

        def read_and_meanwhile(tenant):
            snapshot = reading(tenant)
            world.domain.add_member(GROUP, new)
            world.run("preview", TENANT)
            return snapshot

        sync(structs.replace(context, read_directory=read_and_meanwhile), TENANT)
    assert not sent(world, new)


# Growth


def nest_everybody(world):
    for name in PUPILS["7A"][1:] + PUPILS["7B"]:
        world.domain.add_member(GROUP, address(*name))


def test_growth_beyond_the_limit_removes_nobody_and_sends_nothing(world):
    nest_everybody(world)
    for _ in range(2):
        result = run(world)
        assert result.status == 3
        assert {c["status"] for c in result.json["connections"]} == {"held"}
        assert "became protected at once" in result.part("all")["hold"]["reason"]
        assert world.requests == []
    for name in PUPILS["7A"][1:] + PUPILS["7B"]:  # the mistake is fixed: it still waits
        world.domain.remove_member(GROUP, address(*name))
    assert run(world).status == 3
    assert world.requests == []
    assert world.run("release", TENANT, "--all").status == 0
    assert run(world).status == 0
    assert world.requests == []


def test_growth_that_a_person_confirms_is_removed(world):
    nest_everybody(world)
    run(world)
    assert world.run("approve", TENANT, "--vendor", "all").status == 0
    assert names(world.vendor("all")) == {address(*name) for name in STAFF}
    assert run(world).status == 0
    assert names(world.vendor("some")) == {address(*name) for name in STAFF}


def test_a_confirmation_is_of_those_who_were_seen_and_still_are_protected(world):
    nest_everybody(world)
    run(world)
    world.domain.remove_member(GROUP, OTHER)
    assert world.run("approve", TENANT, "--vendor", "all").status == 3
    assert OTHER in names(world.vendor("all"))
    assert len(names(world.vendor("all"))) == 3


def test_the_limit_is_the_documents(world):
    for connection in world.document["connections"]:
        connection["limits"]["protected"] = {"number": 100, "percent": 100}
    world.import_document()
    nest_everybody(world)
    assert run(world).status == 0
    assert names(world.vendor("all")) == {address(*name) for name in STAFF}


def test_a_few_are_no_growth(world):
    for name in PUPILS["7B"][:3]:
        world.domain.add_member(GROUP, address(*name))
    assert run(world).status == 0
    assert len(names(world.vendor("all"))) == 10


def test_whoever_was_protected_before_the_growth_is_removed_all_the_same(world):
    world.vendor("all").fail(503, times=None)
    world.domain.add_member(GROUP, OTHER)
    run(world)
    world.vendor("all").clear()
    nest_everybody(world)
    assert run(world).status == 3
    assert OTHER not in names(world.vendor("all"))
    assert len(names(world.vendor("all"))) == 12


def test_the_first_reading_of_a_tenant_is_no_growth(tmp_path):
    with small_school(tmp_path) as world:
        world.document["protected"]["orgUnits"] = ["/Skyddade", "/Elever/7A"]
        world.import_document()
        assert world.run("sync", TENANT).status == 0
        assert len(names(world.vendor("all"))) == 8


def test_a_store_of_an_earlier_version_knows_no_set_but_what_was_sent(world):
    store = world.settings.store
    assert isinstance(store, SqliteAddress)
    with sqlite3.connect(store.path) as db:
        db.execute("DELETE FROM protected")
    nest_everybody(world)
    assert run(world).status == 3
    assert world.requests == []


def test_a_reading_that_fails_says_nothing(world):
    with world.sync_context() as context:

        def fails(tenant):
            raise DirectoryError("down")

        with pytest.raises(DirectoryError):
            sync(structs.replace(context, read_directory=fails), TENANT)
        known = context.store.protected_set(TENANT)
    assert id_of(world, WHO) in known.ids
    assert not known.ended
    assert json.dumps(sorted(known.ids)).count("@") == 0
