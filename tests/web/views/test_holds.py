"""Spärrar: who would go and why, and what a yes and a no do."""

import json
import re

import pytest
from msgspec import structs

from addon.planning.emptied_groups import EmptiedGroup
from addon.planning.ledger import LedgerKey
from addon.planning.limit_exceeded import LimitExceeded
from addon.planning.limits import APPROVAL_LASTS, Hold
from addon.ss12000.ids import Ids
from addon.sync.context import load_tenant_or_raise
from addon.sync.ended_memberships import approved_memberships
from addon.sync.holds import find_hold
from addon.sync.run_records import start_run
from addon.tasks.base import TaskQueueError
from addon.web.presenters.run_history import run_summaries
from addon.web.views.holds import BEGINS_WITHIN
from tests.support.page_actions import location, read_again
from tests.support.page_content import form_of
from tests.support.small_school import (
    DOMAIN,
    HELD,
    PUPILS,
    TENANT,
    UNIT,
    address,
    cause_hold,
    deliver,
    leave,
    person,
    set_live,
    user_id,
)

PAGE = "/sparrar"
DECIDE = "/sparrar/all/live"


@pytest.fixture
def world(world):
    set_live(world, "all")
    return world


def shown(world, client, **more):
    """The page once the names are there."""
    client.get(PAGE, **more)
    world.wait_for_tasks()
    for _ in range(100):
        page = client.get(PAGE, **more)
        if "Katalogen läses" not in page.text and "Söker efter" not in page.text:
            return page
    raise AssertionError("the names never came")


def decide(world, client, decision, page=None):
    page = page or shown(world, client)
    return client.get(location(world.send(client, page, DECIDE, decision=decision)))


def gone(world):
    return sorted(
        name for name in PUPILS["7A"] if address(*name) not in {u["userName"] for u in users(world)}
    )


def users(world):
    return list(world.vendor("all").held("User").values())


def test_when_nothing_is_held_the_page_says_so_and_what_a_hold_is(world, client):
    said = world.text(client.get(PAGE))
    assert "Inget är spärrat." in said
    assert "skulle ta bort fler personer än gränsen" in said


def test_a_hold_by_day_says_what_was_removed_before(world, client):
    deliver(world)
    leave(world, *PUPILS["7A"][:2])
    deliver(world)
    leave(world, *PUPILS["7A"][2:4])
    deliver(world, HELD)
    said = world.text(client.get(PAGE))
    assert "Nästa körning skulle ta bort 2 personer hos All." in said
    assert (
        "Tillsammans med 2 personer som togs bort under det senaste dygnet blir det 4, fler än "
        "gränsen på 3."
    ) in said
    assert "hos All. Inget av det har skickats." in said
    said = world.text(client.get(PAGE, headers={"Accept-Language": "en"}))
    assert "Together with 2 people removed in the last 24 hours that makes 4" in said


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (
            LimitExceeded("removed", 12, 10, False, 20, "StudentGroup"),
            "12 av 20 klasser och grupper skulle tas bort. Det är fler än gränsen på 10.",
        ),
        (
            LimitExceeded("removed", 11, 10, False, 20, "StudentGroup", 1),
            "Tillsammans med 1 klass eller grupp som togs bort under det senaste dygnet",
        ),
        (
            LimitExceeded("removed", 40, 25, True, 100, "Activity", 30),
            "10 av 100 aktiviteter skulle tas bort. Tillsammans med 30 aktiviteter som togs bort "
            "under det senaste dygnet blir det 40, fler än 25 procent av de 100 som fanns där.",
        ),
    ],
)
def test_a_hold_of_classes_and_activities_says_so(world, client, limit, said):
    deliver(world)
    key = LedgerKey(TENANT, "all", "live")
    world.store.set_hold(key, Hold((), 14, str(limit), {}, exceeded=(limit,)))
    assert said in world.text(client.get(PAGE))


def test_a_hold_of_memberships_names_the_groups_with_their_numbers(world, client):
    """By school unit and by group; a yes and a no are about memberships, for all vendors."""
    deliver(world)
    key, ids = LedgerKey(TENANT, "all", "live"), Ids(TENANT)
    held = world.vendor("all").held("StudentGroup").values()
    name, group = min((body["displayName"], body["externalId"]) for body in held)
    members = tuple(sorted(ids.user(user_id(world, *each)) for each in PUPILS["7A"][:5]))
    emptied = (EmptiedGroup(group, "activity", UNIT, members, 6),)
    limit = LimitExceeded("group-emptied", 5, 0, type="StudentGroup")
    hold = Hold((), 14, str(limit), {}, at=world.clock(), exceeded=(limit,), emptied=emptied)
    world.store.set_hold(key, hold)
    said = world.text(shown(world, client))
    assert "Nästa körning skulle avsluta 5 medlemskap i klasser och grupper hos All." in said
    assert "Per skolenhet: Norra skolan 5." in said
    assert f"{name}, Norra skolan: 5 av 6 medlemmar" in said
    assert "Svaret gäller hos alla leverantörer." in said
    assert "Ja, avsluta 5 medlemskap" in said
    assert "Nej, låt dem vara kvar" in said
    decide(world, client, "approve")
    approved = world.store.approval(key) or hold.approval(world.clock())
    assert approved.memberships == {group: frozenset(members)}
    assert approved_memberships(world.store, TENANT, world.clock())[group].members == set(members)


def test_the_numbers_are_there_before_the_names(world, client):
    cause_hold(world)
    page = client.get(PAGE)
    said = world.text(page)
    assert "1 spärr väntar på ditt beslut. Inget av det har skickats." in said
    assert "Nästa körning skulle ta bort 4 personer hos All." in said
    assert "Det är fler än gränsen på 3, så inget av det har skickats." in said
    assert "Katalogen läses. Namnen visas här automatiskt" in said
    assert 'hx-select="#sparrar"' in page.text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page.text
    assert form_of(page, DECIDE)["mark"]


def test_a_removal_can_be_approved_only_when_the_names_are_there(world, client):
    cause_hold(world)
    page = client.get(PAGE)
    assert 'value="refuse"' in page.text
    assert 'value="approve"' not in page.text
    assert "När namnen visas kan du godkänna." in world.text(page)
    page = shown(world, client)
    assert 'class="btn btn-danger" name="decision" value="approve"' in page.text
    assert "När namnen visas kan du godkänna." not in world.text(page)


def test_only_an_approval_that_removes_looks_like_danger(world, client):
    deliver(world)
    key = LedgerKey(TENANT, "all", "live")
    grows = Hold((), 14, "more", {}, changes={"StudentGroup": 12})
    world.store.set_hold(key, grows)
    page = client.get(PAGE)
    assert 'class="btn btn-primary" name="decision" value="approve"' in page.text
    assert "btn-danger" not in page.text
    world.store.set_hold(key, structs.replace(grows, changes={"StudentGroup": -12}))
    assert 'class="btn btn-danger" name="decision" value="approve"' in client.get(PAGE).text


def test_the_numbers_are_told_by_school_unit(world, client):
    cause_hold(world)
    hold = world.store.hold(LedgerKey(TENANT, "all", "live"))
    places = b"\1\0\1\0\1\0\0\0"
    world.store.set_hold(LedgerKey(TENANT, "all", "live"), structs.replace(hold, places=places))
    said = world.text(client.get(PAGE))
    assert "Per skolenhet: Norra skolan 3, okänd skolenhet 1." in said


def test_when_the_directory_cannot_be_read_one_can_decide_all_the_same(world, client):
    cause_hold(world)
    world.document["protected"]["orgUnits"] = ["/Finns inte"]
    world.import_document()
    client.get(PAGE)
    world.wait_for_tasks()
    page = client.get(PAGE)
    said = world.text(page)
    assert "Katalogen i Google Workspace kunde inte läsas, så namnen kan inte visas." in said
    assert "hx-get" not in page.text
    assert "Spärren står kvar." in world.text(decide(world, client, "refuse", page))


def test_who_would_go_is_listed_with_where_they_are_and_why(world, client):
    deliver(world)
    world.domain.suspend(address("Bo", "Ek"))
    world.domain.add_org_unit("/Slutat")
    for name in PUPILS["7A"][:3]:
        world.domain.move_user(address(*name), "/Slutat")
    deliver(world, HELD)
    page = shown(world, client)
    said = world.text(page)
    assert "Alla (4) Inte med i något urval (3) Kontot är avstängt i Workspace (1)" in said
    assert "Torvald Äppelqvist /Slutat Inte med i något urval" in said
    assert "Bo Ek /Elever/7A Kontot är avstängt i Workspace" in said
    assert "hx-get" not in page.text
    some = shown(world, client, query_string={"hos": "all", "orsak": "suspended"})
    assert "Torvald" not in some.text
    assert "Bo Ek" in some.text


def test_most_in_one_place_that_no_selection_reaches_is_asked_about(world, client):
    deliver(world)
    world.domain.add_org_unit("/Arkiv/7A")
    for name in PUPILS["7A"][:5]:
        world.domain.move_user(address(*name), "/Arkiv/7A")
    deliver(world, HELD)
    said = world.text(shown(world, client))
    assert "Alla ligger nu i /Arkiv/7A, som inte ingår i något urval. Har de flyttats dit" in said


def test_an_org_unit_that_was_replaced_by_another_is_asked_about(world, client):
    deliver(world)
    leave(world, PUPILS["7A"][0])
    world.domain.add_org_unit("/Alumner")
    for name in (*PUPILS["7A"][1:], *PUPILS["7B"]):
        world.domain.move_user(address(*name), "/Alumner")
    for path in ("/Elever/7A", "/Elever/7B", "/Elever/Slutat", "/Elever"):
        world.domain.remove_org_unit(path)
    deliver(world, HELD)
    said = world.text(shown(world, client))
    assert "De flesta (11) omfattas inte längre av något urval." in said
    assert "Ett urval pekar på /Elever, som inte finns längre." in said
    assert "De ligger nu i /Alumner. Har den organisationsenheten flyttats eller bytt namn?" in said
    assert "Inte med i något urval (11) Kontot finns inte kvar i Workspace (1)" in said


def test_most_accounts_gone_is_asked_about(world, client):
    deliver(world)
    leave(world, *PUPILS["7A"][:5])
    deliver(world, HELD)
    said = world.text(shown(world, client))
    assert "Alla saknar numera konto i Workspace." in said
    assert "återställ kontona i Admin-konsolen" in said
    assert said.count("Konto som inte finns kvar Id hos leverantören") == 5


def test_a_list_longer_than_a_page_has_pages_of_its_own(world, client):
    domain = world.domain
    domain.add_org_unit("/Borta")
    new = [domain.add_user(person(f"Ny{n}", "Elev", "/Elever/7B")) for n in range(104)]
    deliver(world)
    for user in new:
        domain.move_user(user["primaryEmail"], "/Borta")
    deliver(world, HELD)
    page = shown(world, client)
    assert "Sida 1 av 2" in world.text(page)
    href = re.search(r'rel="next" href="([^"]+)"', page.text)[1].replace("&amp;", "&")
    assert href == "/sparrar?hos=all&sida=2#sparr-all"
    second = client.get(href)
    assert "Sida 2 av 2" in world.text(second)
    assert second.text.count("/Borta</td>") == 4


def test_a_person_who_is_protected_since_is_not_named(world, client):
    deliver(world)
    world.domain.add_org_unit("/Slutat")
    names = PUPILS["7A"][:4]
    for name in names:
        world.domain.move_user(address(*name), "/Slutat")
    deliver(world, HELD)
    world.domain.move_user(address(*names[0]), "/Skyddade")
    read_again(world, client)
    page = shown(world, client)
    assert names[0][1] not in page.text
    said = world.text(page)
    assert "Person med skyddade personuppgifter – Skyddade personuppgifter" in said
    assert names[1][1] in page.text


def test_who_is_back_in_the_directory_is_said_to_stay(world, client):
    deliver(world)
    world.domain.add_org_unit("/Slutat")
    for name in PUPILS["7A"][:4]:
        world.domain.move_user(address(*name), "/Slutat")
    deliver(world, HELD)
    for name in PUPILS["7A"][:2]:
        world.domain.move_user(address(*name), "/Elever/7A")
    read_again(world, client)
    said = world.text(shown(world, client))
    assert "2 personer ska inte längre tas bort, enligt katalogen som den är nu." in said


def test_a_directory_that_was_read_before_the_hold_is_read_again(world, client):
    deliver(world)
    world.ready(client, "/personer")
    leave(world, *PUPILS["7A"][:4])
    deliver(world, HELD)
    assert "Katalogen läses" in world.text(client.get(PAGE))
    world.wait_for_tasks()
    assert (
        world.text(shown(world, client)).count("Konto som inte finns kvar Id hos leverantören") == 4
    )


def test_a_hold_of_a_clock_that_was_ahead_does_not_wait_for_a_reading_of_then(world, client):
    deliver(world)
    leave(world, *PUPILS["7A"][:4])
    deliver(world, HELD)
    key = LedgerKey(TENANT, "all", "live")
    hold = world.store.hold(key)
    world.store.set_hold(key, structs.replace(hold, at=hold.at + 365 * 86400))
    assert "Konto som inte finns kvar" in world.text(shown(world, client))


def test_what_was_approved_is_deleted_at_the_vendor_and_the_hold_is_gone(world, client):
    cause_hold(world)
    assert gone(world) == []
    page = decide(world, client, "approve")
    assert "Godkänt. Det skickas till All nu." in world.text(page)
    world.wait_for_tasks()
    assert gone(world) == sorted(PUPILS["7A"][:4])
    assert "Inget är spärrat." in world.text(client.get(PAGE))
    assert "Spärr hos" not in world.text(client.get("/installningar"))
    assert [e.what for e in world.store.audit_entries(TENANT, 9)].count("hold.approved") == 1


def test_between_an_approval_and_its_delivery_every_page_says_what_happens_next(world, client):
    cause_hold(world)
    page = shown(world, client)
    queue = world.services.queue()
    queue.stop()
    world.send(client, page, DECIDE, decision="approve")
    after = client.get(PAGE)
    said = world.text(after)
    assert "Det som är spärrat är godkänt." in said
    assert "Det som är godkänt skickas när nästa körning börjar." in said
    assert "Ja, ta bort" not in said
    assert 'hx-select="#skickas"' in after.text
    band = "Det som var spärrat hos All är godkänt och skickas"
    assert f"{band} när nästa körning börjar." in world.text(client.get("/installningar"))
    start_run(world.store, TENANT, world.clock(), vendor="some")
    with world.later(BEGINS_WITHIN):
        other = client.get(PAGE)
    assert "Det som är godkänt skickas nu." not in world.text(other)
    start_run(world.store, TENANT, world.clock(), vendor="all")
    with world.later(BEGINS_WITHIN):
        going = client.get(PAGE)
    assert "Det som är godkänt skickas nu." in world.text(going)
    assert 'hx-select="#skickas"' in going.text
    assert f"{band} nu." in world.text(client.get("/installningar"))
    with world.later(APPROVAL_LASTS + 1):
        assert "1 spärr väntar på ditt beslut." in world.text(client.get(PAGE))


def test_a_yes_whose_run_does_not_begin_is_not_followed_for_ever(world, client):
    cause_hold(world)
    page = shown(world, client)
    world.services.queue().stop()
    world.send(client, page, DECIDE, decision="approve")
    with world.later(BEGINS_WITHIN):
        after = client.get(PAGE)
    assert "Det som är godkänt skickas när nästa körning börjar." in world.text(after)
    assert "hx-get" not in after.text.partition("<main")[2]


def test_a_page_that_follows_a_yes_ends_when_it_is_done_and_disturbs_no_other_hold(world, client):
    set_live(world, "some")
    cause_hold(world)
    page = shown(world, client)
    world.services.queue().stop()
    world.send(client, page, DECIDE, decision="approve")
    after = client.get(PAGE)
    begun = after.text.index('id="skickas"')
    polled = after.text[begun : after.text.index("</p>", begun)]
    assert "hx-get" in polled
    assert "hx-get" not in after.text.partition("<main")[2].replace(polled, "")
    find = find_hold(world.store, TENANT, "all")
    assert find is not None
    world.store.set_hold(find[0], None)
    world.store.set_approval(find[0], None)
    done = client.get(PAGE, headers={"HX-Request": "true"})
    assert "Körningen är klar. Se vad som är spärrat nu" in world.text(done)


def test_a_no_to_what_another_has_let_go_is_told_so_and_changes_nothing(world, client):
    cause_hold(world)
    page = shown(world, client)
    other = world.sign_in()
    world.services.queue().stop()
    world.send(other, other.get(PAGE), DECIDE, decision="approve")
    said = world.text(decide(world, client, "refuse", page))
    assert "Någon av er har redan godkänt det som var spärrat hos All." in said
    assert "Ska det stoppas, slå av All." in said
    assert "Spärren står kvar" not in said
    assert world.store.approval(find_hold(world.store, TENANT, "all")[0]) is not None
    assert [e.what for e in world.store.audit_entries(TENANT, 9)].count("hold.refused") == 0


def test_what_was_refused_stays_at_the_vendor_and_is_not_asked_about_again(world, client):
    cause_hold(world)
    said = world.text(decide(world, client, "refuse"))
    assert "Inget tas bort hos All. Spärren står kvar." in said
    assert "Ni har sagt nej till det som är spärrat." in said
    deliver(world, HELD)
    assert gone(world) == []
    elsewhere = world.text(client.get("/installningar"))
    assert "1 spärr står kvar eftersom ni har sagt nej." in elsewhere
    assert "Spärr hos All." not in elsewhere
    page = shown(world, client)
    assert "Nej, ta inte bort" not in page.text
    assert [e.what for e in world.store.audit_entries(TENANT, 9)].count("hold.refused") == 1


def test_a_no_can_be_taken_back(world, client):
    cause_hold(world)
    decide(world, client, "refuse")
    decide(world, client, "approve")
    world.wait_for_tasks()
    assert gone(world) == sorted(PUPILS["7A"][:4])


def test_a_refused_hold_that_grows_is_asked_about_again(world, client):
    cause_hold(world)
    decide(world, client, "refuse")
    leave(world, PUPILS["7A"][4])
    deliver(world, HELD)
    said = world.text(client.get(PAGE))
    assert "1 spärr väntar på ditt beslut." in said
    assert "5 personer" in said


@pytest.mark.parametrize("decision", ["approve", "refuse"])
def test_a_hold_that_has_changed_since_the_page_was_shown_is_not_decided(world, client, decision):
    cause_hold(world)
    page = shown(world, client)
    leave(world, PUPILS["7A"][4])
    deliver(world, HELD)
    said = world.text(decide(world, client, decision, page))
    assert "Spärren hos All har ändrats sedan den visades. Granska den och bestäm igen." in said
    world.wait_for_tasks()
    assert gone(world) == []
    with world.open_store() as store:
        assert store.approval(find_hold(store, TENANT, "all")[0]) is None


def test_the_same_hold_an_hour_later_is_the_one_that_was_shown(world, client):
    cause_hold(world)
    page = shown(world, client)
    deliver(world, HELD)
    decide(world, client, "approve", page)
    world.wait_for_tasks()
    assert gone(world) == sorted(PUPILS["7A"][:4])


def test_a_hold_that_is_over_is_not_decided(world, client):
    cause_hold(world)
    page = shown(world, client)
    decide(world, client, "approve", page)
    world.wait_for_tasks()
    assert "Spärren finns inte längre." in world.text(decide(world, client, "approve", page))


def test_a_decision_that_is_neither_yes_nor_no_is_none(world, client):
    cause_hold(world)
    page = shown(world, client)
    assert world.send(client, page, DECIDE, decision="maybe").status_code == 400
    assert world.send(client, page, DECIDE).status_code == 400


def test_what_is_held_elsewhere_cannot_be_decided_by_its_address(world, client):
    cause_hold(world)
    data = {**form_of(shown(world, client), DECIDE), "decision": "approve"}
    for path in ("/sparrar/some/live", "/sparrar/all/test", "/sparrar/nobody/live"):
        page = client.get(location(client.post(path, data=data)))
        assert "Spärren finns inte längre." in world.text(page)
    world.wait_for_tasks()
    assert gone(world) == []


def test_without_its_token_a_form_decides_nothing(world, client):
    cause_hold(world)
    data = {**form_of(shown(world, client), DECIDE), "decision": "approve"}
    del data["csrf_token"]
    assert client.post(DECIDE, data=data).status_code == 400
    assert gone(world) == []


def test_during_a_pause_one_can_say_no_but_not_yes(world, client):
    cause_hold(world)
    before = shown(world, client)
    world.document["schedule"] = {"pause": {"from": "2020-01-01", "until": "2099-12-31"}}
    world.import_document()
    page = shown(world, client)
    said = world.text(page)
    assert "Under pausen kan ni säga nej, men inte godkänna." in said
    assert "Ja, ta bort" not in said
    assert "Det är paus, så inget skickas." in world.text(decide(world, client, "approve", before))
    assert "Spärren står kvar." in world.text(decide(world, client, "refuse"))
    world.wait_for_tasks()
    assert gone(world) == []


def test_a_pause_and_a_hold_are_said_on_every_page(world, client):
    cause_hold(world)
    world.document["schedule"] = {"pause": {"from": "2020-01-01", "until": "2099-12-31"}}
    world.import_document()
    shown(world, client)
    for path in ("/", "/personer", "/datakvalitet", "/korningar", "/leverantorer", "/skolenheter"):
        said = world.text(world.ready(client, path, follow_redirects=True))
        assert "Paus till och med 2099-12-31. Inget körs, inget skickas" in said, path
        assert "Spärr hos All. 4 personer skulle tas bort." in said, path


def test_a_withdrawal_that_is_held_is_reported_as_one_and_can_be_broken_off(world, client):
    deliver(world)
    world.run("withdraw", TENANT, "--vendor", "all")
    said = world.text(shown(world, client))
    assert "Avvecklingen tar bort 16 personer hos All, allt ni har där." in said
    said = world.text(decide(world, client, "refuse"))
    assert "Inget tas bort hos All, och avvecklingen är avbruten." in said
    assert "Inget är spärrat." in said
    world.wait_for_tasks()
    assert len(users(world)) == 16


def test_a_withdrawal_that_is_approved_removes_everything(world, client):
    deliver(world)
    world.run("withdraw", TENANT, "--vendor", "all")
    decide(world, client, "approve")
    world.wait_for_tasks()
    assert users(world) == []


def both_held(world):
    set_live(world, "some")
    cause_hold(world)


def audited(world, what):
    return [e.subject for e in world.store.audit_entries(TENANT, 9) if e.what == what]


def test_what_is_held_at_several_vendors_for_one_cause_is_one_question(world, client):
    both_held(world)
    page = shown(world, client)
    said = world.text(page)
    assert "1 spärr väntar på ditt beslut." in said
    assert "Nästa körning skulle ta bort 4 personer hos All och Some." in said
    assert "Ja, ta bort 4 personer hos All och Some" in said
    assert said.count("Konto som inte finns kvar Id hos leverantören") == 4
    assert "Bara All: 4 personer" in said
    assert "Bara Some: 4 personer" in said
    assert "Spärr hos All och Some. 4 personer skulle tas bort." in world.text(
        client.get("/installningar")
    )


def test_one_answer_approves_at_all_vendors_with_one_run(world, client):
    both_held(world)
    page = shown(world, client)
    runs = len(world.store.runs(TENANT, 99))
    answer = client.get(location(world.send(client, page, PAGE, decision="approve")))
    assert "Godkänt. Det skickas till All och Some nu." in world.text(answer)
    world.wait_for_tasks()
    assert gone(world) == sorted(PUPILS["7A"][:4])
    assert len(world.vendor("some").held("User")) == 12
    assert sorted(audited(world, "hold.approved")) == ["all", "some"]
    assert len([r for r in world.store.runs(TENANT, 99) if r.parent in ("", r.id)]) == runs + 1


def test_one_answer_refuses_at_all_vendors(world, client):
    both_held(world)
    answer = world.send(client, shown(world, client), PAGE, decision="refuse")
    said = world.text(client.get(location(answer)))
    assert "Inget tas bort hos All och Some. Spärren står kvar." in said
    assert sorted(audited(world, "hold.refused")) == ["all", "some"]
    assert "2 spärrar står kvar" in world.text(client.get("/installningar"))
    world.wait_for_tasks()
    assert gone(world) == []


def test_a_vendor_whose_plan_has_changed_since_is_named_and_not_approved(world, client):
    both_held(world)
    page = shown(world, client)
    key = LedgerKey(TENANT, "some", "live")
    hold = world.store.hold(key)
    world.store.set_hold(key, structs.replace(hold, people=hold.people[:3]))
    world.services.queue().stop()
    answer = client.get(location(world.send(client, page, PAGE, decision="approve")))
    said = world.text(answer)
    assert "Godkänt. Det skickas till All nu." in said
    assert "Spärren hos Some har ändrats sedan den visades. Granska den och bestäm igen." in said
    assert world.store.approval(key) is None
    assert audited(world, "hold.approved") == ["all"]


def test_a_vendor_whose_hold_is_over_is_named(world, client):
    both_held(world)
    page = shown(world, client)
    world.store.set_hold(LedgerKey(TENANT, "some", "live"), None)
    world.services.queue().stop()
    said = world.text(client.get(location(world.send(client, page, PAGE, decision="approve"))))
    assert "Spärren hos Some finns inte längre." in said
    assert audited(world, "hold.approved") == ["all"]


def test_one_of_several_vendors_can_be_answered_alone(world, client):
    both_held(world)
    page = shown(world, client)
    decide(world, client, "approve", page)
    world.wait_for_tasks()
    assert gone(world) == sorted(PUPILS["7A"][:4])
    assert len(world.vendor("some").held("User")) == 16
    said = world.text(client.get(PAGE))
    assert "1 spärr väntar på ditt beslut." in said
    assert "All och Some" not in said


def test_vendors_with_different_people_are_one_question_that_tells_where(world, client):
    both_held(world)
    key = LedgerKey(TENANT, "some", "live")
    hold = world.store.hold(key)
    world.store.set_hold(key, structs.replace(hold, people=hold.people[:3]))
    page = shown(world, client)
    said = world.text(page)
    assert "Nästa körning skulle ta bort 4 personer hos All och Some." in said
    assert "Bara Some: 3 personer" in said
    assert page.text.count('data-label="Hos">All och Some<') == 3
    assert page.text.count('data-label="Hos">All<') == 1
    world.store.set_hold(key, structs.replace(hold, people=tuple("abcd")))
    said = world.text(client.get(PAGE))
    assert "2 spärrar väntar på ditt beslut." in said


def test_many_vendors_cost_a_page_no_more_reads_than_their_holds(world, client):
    both_held(world)
    shown(world, client)
    before = world.store.cost()[0]
    client.get(PAGE)
    assert world.store.cost()[0] - before < 40


def test_when_the_run_cannot_begin_the_yes_is_kept(world, client, monkeypatch):
    cause_hold(world)
    page = shown(world, client)

    def refuse(task):
        raise TaskQueueError("away")

    monkeypatch.setattr(world.services.queue(), "enqueue", refuse)
    said = world.text(decide(world, client, "approve", page))
    assert "Godkänt, men det gick inte att börja nu. Nästa körning gör det." in said
    deliver(world)
    assert gone(world) == sorted(PUPILS["7A"][:4])


def test_when_a_withdrawal_cannot_begin_the_yes_is_not_kept_since_no_run_does_it(
    world, client, monkeypatch
):
    deliver(world)
    world.run("withdraw", TENANT, "--vendor", "all")
    page = shown(world, client)

    def refuse(task):
        raise TaskQueueError("away")

    monkeypatch.setattr(world.services.queue(), "enqueue", refuse)
    said = world.text(decide(world, client, "approve", page))
    assert "Det gick inte att börja, så inget har tagits bort." in said
    assert "1 spärr väntar på ditt beslut." in said
    assert "hold.approved" not in [e.what for e in world.store.audit_entries(TENANT, 9)]


def test_a_change_in_the_number_of_classes_is_reported_in_words(world, client):
    set_live(world, "all", limits={"deletions": 50, "changes": {"StudentGroup": {"number": 1}}})
    deliver(world)
    unit = world.document["schoolUnits"][0]
    unit["classes"]["pattern"] = "^/Ingen/(?P<name>[^/]+)$"
    world.import_document()
    deliver(world, HELD)
    said = world.text(shown(world, client))
    assert "Nästa körning skulle ändra mer hos All än gränsen tillåter" in said
    assert "Det blir 2 klasser och grupper färre än i dag." in said
    assert "Ja, skicka ändringen till All" in said
    assert "Ändringen är större än gränsen." in world.text(client.get("/installningar"))


def test_a_leavers_page_is_a_link_by_id_alone(world, client):
    deliver(world)
    world.domain.add_org_unit("/Slutat")
    for name in PUPILS["7A"][:4]:
        world.domain.move_user(address(*name), "/Slutat")
    deliver(world, HELD)
    page = shown(world, client)
    assert f'href="/personer/{user_id(world, *PUPILS["7A"][0])}"' in page.text
    assert UNIT not in page.text


def test_what_is_removed_in_spite_of_a_hold_is_told_before_and_after(world, client):
    cause_hold(world)
    world.domain.move_user(address(*PUPILS["7B"][0]), "/Skyddade")
    read_again(world, client)
    there = len(users(world))
    anyway = "1 person med skyddade personuppgifter tas bort ändå."
    said = world.text(world.ready(client, "/forhandsgranska"))
    assert f"Det som ska göras är spärrat. {anyway}" in said
    assert f"så det stoppas tills någon av er har bestämt. {anyway}" in said
    assert "skickar inget" not in said
    assert "Den som får skyddade personuppgifter tas bort där ändå." in world.text(client.get(PAGE))
    deliver(world, HELD)
    assert len(users(world)) == there - 1
    newest = world.store.runs(TENANT, 1)[0]
    said = world.text(world.ready(client, f"/korningar/{newest.id}"))
    gone = "1 person med skyddade personuppgifter togs bort ändå."
    assert f"Det som skulle göras är spärrat. {gone}" in said
    assert said.count(gone) == 2
    assert "Inget skickades" not in said
    run = run_summaries(
        world.store.runs(TENANT, 9), load_tenant_or_raise(world.store, TENANT), world.clock()
    )[0]
    assert (run.people["delete"], run.others) == (1, 1)  # and the class without them


def test_many_who_became_protected_at_once_wait_for_a_person(world, client):
    deliver(world)
    group = f"skyddade@{DOMAIN}"
    pupils = [address(*name) for name in PUPILS["7A"]]
    world.domain.add_group({"email": group, "name": "Skyddade"}, members=pupils)
    document = world.stored_document()
    document["protected"]["groups"] = [group]
    world.store.save_tenant(TENANT, json.dumps(document).encode())
    deliver(world, HELD)
    page = shown(world, client)
    said = world.text(page)
    assert "6 personer har blivit skyddade på en gång." in said
    assert not any(name[1] in said for name in PUPILS["7A"])
    assert decide(world, client, "approve", page).status_code == 200
    world.wait_for_tasks()
    assert len(world.vendor("all").held("User")) == 10
    assert "Inget är spärrat." in world.text(client.get(PAGE))
