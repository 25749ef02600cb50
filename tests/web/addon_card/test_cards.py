"""The card: what it says in each state, in both languages, and what its buttons do."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest
from cachetools import LRUCache
from markupsafe import Markup
from msgspec import structs

from addon.planning.emptied_groups import EmptiedGroup
from addon.planning.ledger import LedgerKey
from addon.planning.limit_exceeded import LimitExceeded
from addon.planning.limits import Hold
from addon.store.base import StoreError
from addon.store.origin import load_origin
from addon.store.records import Namespace, RunRecord
from addon.sync.context import load_tenant_or_raise
from addon.tenants.model import Limits
from addon.web.addon_card.caller import REFUSED_FOR, REMEMBERED
from addon.web.addon_card.card_model import card_json
from addon.web.addon_card.hold_card import confirmation_card
from addon.web.addon_card.home_card import home_card
from addon.web.addon_card.home_view import HoldView, HomeView, VendorView
from addon.web.addon_card.links import CardLinks
from addon.web.hold_decisions import removal_hash
from addon.web.security.auth import SignInRefused
from addon.web.security.google_tokens import TokenClaims
from addon.web.waiting_holds import waiting_holds
from tests.support.addon_panel import (
    URL,
    Panel,
    addon_world,
    button_texts,
    buttons,
    judge,
    parameters,
    text_on,
)
from tests.support.page_actions import read_directory
from tests.support.small_school import (
    ADMIN,
    DELEGATED,
    HELD,
    OTHER_TENANT,
    PUPILS,
    STRANGER,
    TEACHER,
    TENANT,
    UNIT,
    address,
    cause_hold,
    deliver,
    leave,
    set_live,
)
from tests.support.world import JSON, World


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[World, Panel]]:
    with addon_world(tmp_path) as found:
        yield found


@pytest.fixture
def world(opened: tuple[World, Panel]) -> World:
    return opened[0]


@pytest.fixture
def panel(opened: tuple[World, Panel]) -> Panel:
    return opened[1]


def held(world: World) -> None:
    set_live(world, "all")
    cause_hold(world)


def hold_of(world: World, vendor: str = "all") -> Hold:
    found = world.store.hold(LedgerKey(TENANT, vendor, "live"))
    assert found is not None
    return found


def pause(world: World) -> None:
    today = date.fromtimestamp(world.clock())
    world.document["schedule"] = {
        "pause": {"from": str(today), "until": str(today + timedelta(30))}
    }
    world.import_document()


def top_sentence(card: JSON) -> str:
    return str(card["sections"][0]["widgets"][0]["decoratedText"]["text"])


def at_vendor(world: World) -> int:
    return len(world.vendor("all").held("User"))


# What it says


def well(world: World) -> None:
    set_live(world, "all")
    deliver(world)


def begun(world: World) -> None:
    """Nothing is on."""


def paused(world: World) -> None:
    well(world)
    pause(world)


def paused_with_a_hold(world: World) -> None:
    held(world)
    pause(world)


def failing(world: World) -> None:
    set_live(world, "all")
    world.vendor("all").fail(503, times=None)
    deliver(world, 1)


def key_refused(world: World) -> None:
    set_live(world, "all")
    world.vendor("all").fail(401, times=None)
    deliver(world, 1)


def withdrawn(world: World) -> None:
    well(world)
    world.directory.fail("/users", status=403, reason="forbidden", times=None)
    deliver(world, 4)
    world.directory.clear_failures()


def waiting_for_evidence(world: World) -> None:
    well(world)
    world.directory.fail("/users/", status=503, times=None)
    leave(world, PUPILS["7A"][0])
    world.domain.deleted.clear()
    deliver(world)
    world.directory.clear_failures()


def protection_ended(world: World) -> None:
    well(world)
    world.domain.move_user(address("Hemliga", "Skyddsson"), "/Elever/7A")
    deliver(world)


def growth_held(world: World) -> None:
    well(world)
    limit = LimitExceeded("protected", 1234, 20)
    world.store.set_hold(
        LedgerKey(TENANT, "all", "live"), Hold((), 14, str(limit), {}, exceeded=(limit,))
    )


def classes_held(world: World) -> None:
    well(world)
    limit = LimitExceeded("removed", 12, 10, False, 20, "StudentGroup")
    world.store.set_hold(
        LedgerKey(TENANT, "all", "live"), Hold((), 14, str(limit), {}, exceeded=(limit,))
    )


def memberships_held(world: World) -> None:
    well(world)
    limit = LimitExceeded("group-emptied", 5, 0, type="StudentGroup")
    people = tuple(f"person-{n}" for n in range(5))
    emptied = (EmptiedGroup("group", "activity", UNIT, people, 6),)
    world.store.set_hold(
        LedgerKey(TENANT, "all", "live"),
        Hold((), 14, str(limit), {}, exceeded=(limit,), emptied=emptied),
    )


def refused(world: World) -> None:
    held(world)
    panel = Panel(world)
    panel.click(panel.home(), "Neka")


def approved(world: World) -> None:
    held(world)
    hold = hold_of(world)
    world.store.set_approval(LedgerKey(TENANT, "all", "live"), hold.approval(world.clock()))


def running(world: World) -> None:
    run = RunRecord("29990101T000000Z-aaaaaa", TENANT, world.clock(), "running", holder="x")
    world.store.save_run(run)


def sending(world: World) -> None:
    approved(world)
    running(world)


def withdrawal_approved(world: World) -> None:
    withdrawal(world)
    hold = hold_of(world)
    world.store.set_approval(LedgerKey(TENANT, "all", "live"), hold.approval(world.clock()))


def withdrawal(world: World) -> None:
    well(world)
    assert world.run("withdraw", TENANT, "--vendor", "all").status == HELD


def left(world: World) -> None:
    """The farewell has begun, and nobody has run since the app was installed again."""
    held(world)
    farewell_begins(world)


def farewell_begins(world: World) -> None:
    change = {"farewell": world.clock(), "erased": True, "state": "UNLICENSED"}
    world.store.update_licence(TENANT, lambda known: structs.replace(known, **change))


STATES: dict[Callable[[World], None], tuple[str, ...]] = {
    well: (
        "Storviks kommun",
        "Allt är i ordning.",
        "All – Uppdaterad",
        "Skarpt läge · 16 personer · senaste ändring för mindre än en minut sedan",
        "Some – Av",
        "Kör nu",
        "Öppna Skolsynk",
    ),
    begun: ("Inget skickas ännu. Nästa steg är", "Fortsätt"),
    held: (
        "Nästa körning skulle ta bort 4 personer hos All. Det väntar på ditt beslut.",
        "Spärr hos All",
        "Nästa körning skulle ta bort 4 personer hos All. Det är fler än gränsen på 3",
        "Norra skolan: 4",
        "Godkänn Neka Visa alla",
    ),
    paused: ("Paus till och med", "Ändra eller avsluta pausen"),
    paused_with_a_hold: ("Under pausen kan ni säga nej, men inte godkänna.", "Neka"),
    failing: ("Den senaste körningen lyckades inte hos All.", "Misslyckades", "Nästa körning"),
    key_refused: ("Leverantören godtog inte Skolsynks nyckel.",),
    withdrawn: (
        "Skolsynk har inte tillgång till ert Google Workspace, så inget läses",
        "Har åtkomsten dragits tillbaka? Bevilja den igen i Admin-konsolen, under Appar,",
    ),
    waiting_for_evidence: ("1 borttagning väntar.", "Google har inte bekräftat att det är borta."),
    protection_ended: ("Skyddet har upphört. Det gäller 1 person", "Granska och bestäm"),
    growth_held: ("1 234 personer har blivit skyddade på en gång.",),
    classes_held: ("Nästa körning skulle ändra mer hos All än gränsen tillåter.", "Godkänn"),
    memberships_held: (
        "Nästa körning skulle avsluta 5 medlemskap i klasser och grupper hos All.",
        "I 1 klass eller grupp saknas mer än hälften av medlemmarna i två läsningar",
        "Norra skolan: 5",
        "Godkänn Neka Visa alla",
    ),
    refused: ("Spärren hos All står kvar eftersom ni har sagt nej.",),
    approved: (
        "Det som var spärrat hos All är godkänt och skickas när nästa körning börjar.",
        "All – Spärr, godkänd",
    ),
    sending: (
        "Det som var spärrat hos All är godkänt och skickas nu. En körning pågår just nu.",
        "All – Godkänt, skickas nu",
    ),
    withdrawal_approved: (
        "Avvecklingen av All är godkänd och börjar strax.",
        "All – Spärr, godkänd",
    ),
    left: ("Skolsynk är avinstallerat. Inget läses och inget skickas.", "Kör nu"),
    withdrawal: ("Avvecklingen av All tar bort 16 personer", "Norra skolan: 16"),
}
SWEDISH = set("åäöÅÄÖ")


@pytest.mark.parametrize("prepare", STATES, ids=lambda each: each.__name__)
def test_the_card_says_how_it_is_in_both_languages(
    world: World, panel: Panel, prepare: Callable[[World], None]
) -> None:
    prepare(world)
    said = text_on(panel.home()).replace("\u00a0", " ")
    for words in STATES[prepare]:
        assert words in said
    families = [family for names in PUPILS.values() for _, family in names if len(family) > 2]
    assert not any(family in said for family in families)
    english = Panel(world, "en-GB").home()
    own = {"Norra skolan", "Storviks kommun"}
    text = text_on(english)
    for each in own:
        text = text.replace(each, "")
    assert not SWEDISH & set(text), text
    if "Godkänn" in button_texts(panel.home()):
        card, _ = panel.click(panel.home(), "Godkänn")
        english, _ = Panel(world, "en-GB").click(english, "Approve")
        assert len(buttons(card)) == len(buttons(english)) == 3
        assert not SWEDISH & set(text_on(english).replace("Norra skolan", ""))


@pytest.mark.parametrize(
    ("language", "words"),
    [("sv-FI", "Allt är"), ("en", "Everything"), ("de", "Allt är"), ("", "Allt är")],
)
def test_the_language_is_the_users_or_else_swedish(world: World, language: str, words: str) -> None:
    well(world)
    assert words in text_on(Panel(world, language).home())


def test_a_tenant_that_has_not_begun_is_led_to_the_first_page(world: World, panel: Panel) -> None:
    card = panel.home(STRANGER)
    assert "Skolsynk är installerat men inte inställt ännu." in text_on(card)
    assert button_texts(card) == ["Kom igång", "Hjälp"]
    assert "Storvik" not in str(card)
    card, _ = panel.act(STRANGER, do="run")
    assert button_texts(card) == ["Kom igång", "Hjälp"]
    assert world.store.tenant(OTHER_TENANT) is None


@pytest.mark.parametrize("language", ["sv", "en"])
def test_whoever_is_shown_no_tenant_is_led_to_the_help(world: World, language: str) -> None:
    panel = Panel(world, language)
    for who in (STRANGER, TEACHER):
        *_, last = buttons(panel.home(who))
        url = last["onClick"]["openLink"]["url"]
        assert url == f"https://skolsynk.example.se/hjalp?sprak={language}"
        assert world.app.test_client().get(url).status_code == 200


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (TEACHER, "Kontot tillhör ingen administratör"),
        (DELEGATED, "Kontot har bara en del av en administratörs rättigheter."),
    ],
)
def test_who_is_no_administrator_is_told_so_and_nothing_of_the_tenant(
    world: World, panel: Panel, who: str, words: str
) -> None:
    held(world)
    card = panel.home(who)
    assert words in text_on(card)
    assert "Storvik" not in str(card)
    assert "All" not in text_on(card).split()
    assert button_texts(card) == ["Öppna Skolsynk", "Hjälp"]


def test_missing_access_is_said_with_who_can_give_it(world: World, panel: Panel) -> None:
    world.directory.fail("/users", status=401, reason="authError", times=None)
    said = text_on(panel.home())
    assert "Skolsynk har inte tillgång till ert Google Workspace." in said
    assert "två administratörer" in said
    assert "Det som saknas: Personer." in said


def test_when_google_does_not_answer_nobody_is_shown_anything(world: World, panel: Panel) -> None:
    well(world)
    world.directory.fail("/users/", status=503, times=None)
    card = panel.home()
    assert "Google svarar inte på frågan om du är administratör" in text_on(card)
    assert "Storvik" not in str(card)
    world.directory.clear_failures()
    card, _ = panel.click(card, "Försök igen")
    assert "Allt är i ordning." in text_on(card)


def test_google_is_asked_about_an_administrator_once_an_hour_and_before_changes(
    world: World, panel: Panel
) -> None:
    well(world)
    world.directory.forget_requests()
    for _ in range(3):
        panel.home()
    assert len(world.directory.requests) == 1
    world.domain.find_user(ADMIN)["isAdmin"] = False
    card = panel.home()
    assert "Allt är i ordning." in text_on(card)
    with world.later(601.0):
        assert "Allt är i ordning." in text_on(panel.home())
        assert "Kontot tillhör ingen administratör" in text_on(panel.click(card, "Kör nu")[0])
    world.domain.find_user(ADMIN)["isAdmin"] = True
    with world.later(1202.0):
        assert "Allt är i ordning." in text_on(panel.home())
    world.domain.find_user(ADMIN)["isAdmin"] = False
    with world.later(1202.0 + 3601.0):
        assert "Kontot tillhör ingen administratör" in text_on(panel.home())


def test_a_teacher_who_is_refused_costs_one_question_in_five_minutes(
    world: World, panel: Panel
) -> None:
    said = "Har det ändrats nyss kan det dröja upp till 5 minuter innan det syns här."
    world.directory.forget_requests()
    for _ in range(3):
        assert said in text_on(panel.home(TEACHER))
    assert len(world.directory.requests) == 1
    world.domain.find_user(TEACHER)["isAdmin"] = True
    assert said in text_on(panel.home(TEACHER))
    with world.later(REFUSED_FOR):
        assert "Skolsynk" in text_on(panel.home(TEACHER))
        assert said not in text_on(panel.home(TEACHER))
    assert len(world.directory.requests) == 2


def test_missing_access_is_looked_into_once_in_five_minutes(world: World, panel: Panel) -> None:
    world.directory.fail("/users", status=401, reason="authError", times=None)
    world.directory.forget_requests()
    first = panel.home()
    asked = len(world.directory.requests)
    assert panel.home() == first
    assert "upp till 5 minuter" in text_on(first)
    assert len(world.directory.requests) == asked
    world.directory.clear_failures()
    with world.later(REFUSED_FOR):
        assert "Skolsynk har inte tillgång" not in text_on(panel.home())


def test_a_refusal_of_one_person_says_nothing_of_another(world: World, panel: Panel) -> None:
    well(world)
    panel.home(TEACHER)
    assert "Allt är i ordning." in text_on(panel.home())
    assert "Kontot tillhör ingen administratör" in text_on(panel.home(TEACHER))


def test_refusals_are_remembered_of_so_many_people_only(world: World) -> None:
    """A bounded number of them, and nothing of them in the store."""
    checks = world.app.extensions["skolsynk.addon_card"].checks
    checks._refused = LRUCache(2)
    before = world.store.list_names(Namespace("origin", TENANT), world.clock())
    for number in range(5):
        user = TokenClaims(str(number), f"{number}@edu.storvik.se", True)
        with pytest.raises(SignInRefused):
            checks.administrator(user)
    assert len(checks._refused) == 2
    assert REMEMBERED <= 20_000
    assert world.store.list_names(Namespace("origin", TENANT), world.clock()) == before


def test_who_is_put_on_the_tenants_list_is_let_in_at_once(world: World, panel: Panel) -> None:
    well(world)
    assert "bara en del av en administratörs rättigheter" in text_on(panel.home(DELEGATED))
    world.document["administrators"] = [DELEGATED]
    world.import_document()
    world.directory.forget_requests()
    assert "Allt är i ordning." in text_on(panel.home(DELEGATED))
    assert world.directory.requests == []


def test_who_is_taken_off_the_tenants_list_is_out_at_once(world: World, panel: Panel) -> None:
    well(world)
    panel.home()
    world.document["administrators"] = [DELEGATED]
    world.import_document()
    assert "Er organisation har bestämt vilka" in text_on(panel.home())
    assert "Allt är i ordning." in text_on(panel.home(DELEGATED))


def test_when_the_store_is_away_a_card_says_so(
    world: World, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.home()

    def away(*_: object) -> None:
        raise StoreError("the store is away")

    monkeypatch.setattr(world.store, "runs", away)
    assert "Det går inte just nu" in text_on(panel.home())


def test_a_tenant_whose_panel_shows_the_card_came_from_the_marketplace(
    world: World, panel: Panel
) -> None:
    assert load_origin(world.store, TENANT, world.clock()) is None
    panel.home(TEACHER)
    assert load_origin(world.store, TENANT, world.clock()) is None
    panel.home()
    assert load_origin(world.store, TENANT, world.clock()) == "marketplace"


def test_what_comes_from_data_is_never_markup(world: World, panel: Panel) -> None:
    evil = "<b>Skolan</b> & <a href='x'>"
    world.document["organisation"]["name"] = evil
    world.document["schoolUnits"][0]["name"] = evil
    held(world)
    card = panel.home()
    assert "&lt;b&gt;Skolan&lt;/b&gt; &amp; &lt;a href" in str(card)
    assert "<a" not in str(card)
    assert "<b>Skolan" not in str(card)


def test_a_hold_in_the_test_environment_says_so(world: World, panel: Panel) -> None:
    set_live(world, "all", mode="test")
    cause_hold(world)
    card = panel.home()
    assert "Spärr hos All (testläge)" in text_on(card)
    card, _ = panel.click(card, "Godkänn")
    assert "Spärr hos All (testläge)" in text_on(card)
    _, told = panel.click(card, "Ja, ta bort 4 personer hos All")
    assert told == "Godkänt. Det skickas till All nu."
    world.wait_for_tasks()
    assert len(world.vendor("all", "test").held("User")) == 12


def a_hold(name: str, hold: Hold) -> HoldView:
    return HoldView("all.live", "x", "all", "live", name, hold, Limits(), (), None, False, True)


def test_errors_are_said_once_also_while_something_else_is_said_first(
    world: World, panel: Panel
) -> None:
    world.domain.rename_user(address("Ylva", "O'Leary"), family_name="")
    set_live(world, "all")
    deliver(world)
    errors = "1 fel i Google Workspace gör att någon inte skickas."
    said = text_on(panel.home())
    assert f"Leveranserna fungerar, men {errors}" in said
    assert said.count(errors) == 1
    held(world)
    card = panel.home()
    assert text_on(card).count(errors) == 1
    assert "Leveranserna fungerar" not in text_on(card)
    assert "Se vad som är fel och hur du rättar det" in button_texts(card)


def test_a_vendors_name_is_escaped_in_texts_and_plain_on_buttons(world: World) -> None:
    held(world)
    with world.app.test_request_context():
        hold = hold_of(world)
        view = HoldView(
            "nok.live",
            "x",
            "nok",
            "live",
            "Natur & <Kultur>",
            hold,
            Limits(),
            (),
            None,
            False,
            True,
        )
        card = json.loads(json.dumps(card_json(confirmation_card(view, CardLinks(URL)))))
    judge(card)
    assert (
        "hos Natur &amp; &lt;Kultur&gt;."
        in card["sections"][0]["widgets"][0]["textParagraph"]["text"]
    )
    assert button_texts(card)[0] == "Ja, ta bort 4 personer hos Natur & Kultur"
    assert card["header"]["subtitle"] == "Spärr hos Natur & Kultur"


def test_many_units_are_counted_and_five_are_named(world: World, panel: Panel) -> None:
    held(world)
    hold = hold_of(world)
    codes = tuple(f"1111111{n}" for n in range(9))
    world.document["schoolUnits"] += [
        {"code": code, "name": f"Skola {n}"} for n, code in enumerate(codes)
    ]
    world.import_document()
    people = tuple(f"{n:02}" for n in range(11))
    places = b"".join(n.to_bytes(2, "little") for n in (*range(1, 10), 1, 0))
    world.store.set_hold(
        LedgerKey(TENANT, "all", "live"),
        structs.replace(hold, people=people, placed_in=codes, places=places),
    )
    said = text_on(panel.home())
    assert "Skola 0: 2 Skola 1: 1" in said
    assert "Skola 5" not in said
    assert "och 4 skolenheter till Okänd skolenhet: 1" in said


def test_a_card_of_many_vendors_is_one_that_google_shows_in_full(world: World) -> None:
    held(world)
    with world.app.test_request_context():
        hold = a_hold("All", hold_of(world))
        line = VendorView("all", "All", "stop", "Misslyckades", "Skarpt läge", "Vänta.")
        view = HomeView("Storvik", "wait", Markup("Så är det."), (hold,) * 40, (line,) * 60)
        card = json.loads(json.dumps(card_json(home_card(view, CardLinks(URL)))))
    judge(card)
    said = text_on(card)
    assert "35 spärrar till väntar på ditt beslut. Visa alla" in said
    assert sum(len(each["widgets"]) for each in card["sections"]) <= 100
    vendors = card["sections"][-1]
    assert vendors["collapsible"]
    assert vendors["uncollapsibleWidgetsCount"] == 12


# What its buttons do


def test_an_approval_takes_two_clicks_and_is_sent_at_once(world: World, panel: Panel) -> None:
    held(world)
    before = at_vendor(world)
    card, told = panel.click(panel.home(), "Godkänn")
    assert told == ""
    said = text_on(card)
    assert "Nästa körning skulle ta bort 4 personer hos All." in said
    assert "Norra skolan: 4" in said
    assert button_texts(card) == ["Ja, ta bort 4 personer hos All", "Avbryt", "Visa alla"]
    world.wait_for_tasks()
    assert at_vendor(world) == before
    card, told = panel.click(card, "Ja, ta bort 4 personer hos All")
    assert told == "Godkänt. Det skickas till All nu."
    world.wait_for_tasks()
    assert at_vendor(world) == before - 4
    assert "Allt är i ordning." in text_on(panel.home())
    entry = world.store.audit_entries(TENANT, 1)[0]
    assert (entry.who, entry.what, entry.subject) == (ADMIN, "hold.approved", "all")


@pytest.mark.parametrize("language", ["sv", "en"])
def test_what_the_card_says_after_an_answer_is_true(
    world: World, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    """Nothing waits for a decision any more: neither after a no nor after a yes."""
    monkeypatch.setattr("addon.web.hold_decisions.request_run", lambda *_: None)  # not begun yet
    panel, swedish = Panel(world, language), language == "sv"
    held(world)
    waits = (
        ("väntar på ditt beslut", "Neka") if swedish else ("waiting for your decision", "Refuse")
    )
    assert all(each in text_on(panel.home()) for each in waits)
    no, _ = panel.click(panel.home(), waits[1])
    yes, _ = panel.click(no, "Godkänn" if swedish else "Approve")
    yes, _ = panel.act(**parameters(buttons(yes)[0]))
    for card in (no, yes, panel.home()):
        assert not any(each in text_on(card) for each in waits)
    if swedish:
        assert "All – Spärr, ni har sagt nej" in text_on(no)
        assert "godkänt och skickas när nästa körning börjar" in top_sentence(yes)
        assert "All – Spärr, godkänd" in text_on(yes)
        running(world)
        assert "godkänt och skickas nu" in top_sentence(panel.home())


def test_the_pages_say_the_same_of_what_is_approved(world: World) -> None:
    client = world.sign_in()
    for prepare, words in (
        (approved, "godkänt och skickas när nästa körning börjar."),
        (running, "godkänt och skickas nu."),
    ):
        prepare(world)
        for page in ("/", "/leverantorer/all"):
            said = world.text(client.get(page))
            assert f"Det som var spärrat hos All är {words}" in said
            assert "väntar på ditt beslut" not in said


def test_who_changes_their_mind_has_done_nothing(world: World, panel: Panel) -> None:
    held(world)
    card, _ = panel.click(panel.home(), "Godkänn")
    card, told = panel.click(card, "Avbryt")
    assert told == ""
    assert "Spärr hos All" in text_on(card)
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None


def test_a_refusal_keeps_everyone(world: World, panel: Panel) -> None:
    held(world)
    before = at_vendor(world)
    card, told = panel.click(panel.home(), "Neka")
    assert told == "Inget tas bort hos All. Spärren står kvar."
    assert button_texts(card)[:2] == ["Godkänn", "Visa alla"]
    world.wait_for_tasks()
    assert at_vendor(world) == before
    entry = world.store.audit_entries(TENANT, 1)[0]
    assert (entry.who, entry.what, entry.subject) == (ADMIN, "hold.refused", "all")


def approval_parameters(panel: Panel) -> dict[str, str]:
    card, _ = panel.click(panel.home(), "Godkänn")
    return parameters(buttons(card)[0])


@pytest.mark.parametrize(
    "change",
    [
        {"hold": "all.test"},
        {"hold": "some.live"},
        {"hold": ""},
        {"content": ""},
        {"content": "0" * 16},
        {"do": "Approve"},
        {"do": ""},
    ],
)
def test_an_approval_with_any_parameter_changed_is_nothing(
    world: World, panel: Panel, change: dict[str, str]
) -> None:
    held(world)
    given = approval_parameters(panel)
    before = at_vendor(world)
    card, _ = panel.act(**{**given, **change})
    world.wait_for_tasks()
    assert at_vendor(world) == before
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None
    assert "Spärr hos All" in text_on(card)


@pytest.mark.parametrize("name", ["do", "hold", "content"])
def test_an_approval_without_a_parameter_is_nothing(world: World, panel: Panel, name: str) -> None:
    held(world)
    given = approval_parameters(panel)
    panel.act(**{key: value for key, value in given.items() if key != name})
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None


def test_a_hold_that_would_now_remove_another_is_shown_as_it_is_now(
    world: World, panel: Panel
) -> None:
    held(world)
    given = approval_parameters(panel)
    leave(world, PUPILS["7A"][4])
    deliver(world, HELD)
    before = at_vendor(world)
    card, told = panel.act(**given)
    assert told == "Spärren hos All har ändrats sedan den visades. Granska den och bestäm igen."
    assert told in text_on(card)
    assert "Nästa körning skulle ta bort 5 personer hos All." in text_on(card)
    world.wait_for_tasks()
    assert at_vendor(world) == before
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None


def test_an_approval_holds_though_a_run_has_held_the_same_again(world: World, panel: Panel) -> None:
    held(world)
    given = approval_parameters(panel)
    with world.later(3600.0):
        deliver(world, HELD)
    _, told = panel.act(**given)
    assert told == "Godkänt. Det skickas till All nu."


def test_an_approval_of_what_another_has_approved_or_refused_is_nothing(
    world: World, panel: Panel
) -> None:
    held(world)
    given = approval_parameters(panel)
    panel.click(panel.home(), "Neka")
    _, told = panel.act(**given)
    assert told == "Spärren hos All har ändrats sedan den visades. Granska den och bestäm igen."
    key = LedgerKey(TENANT, "all", "live")
    hold = structs.replace(hold_of(world), refused=0.0)
    world.store.set_hold(key, hold)
    again = approval_parameters(panel)
    world.store.set_approval(key, hold.approval(world.clock()))
    _, told = panel.act(**again)
    assert told.startswith("Någon av er har redan godkänt det som var spärrat hos All.")
    world.store.set_hold(key, None)
    _, told = panel.act(**again)
    assert told == "Spärren finns inte längre."


def test_nobody_approves_another_tenants_hold(world: World, panel: Panel) -> None:
    held(world)
    given = approval_parameters(panel)
    for who in (STRANGER, TEACHER, DELEGATED):
        with suppress(AssertionError):
            panel.act(who, **given)
    world.wait_for_tasks()
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None


def test_nothing_is_approved_in_a_pause(world: World, panel: Panel) -> None:
    held(world)
    given = approval_parameters(panel)
    pause(world)
    _, told = panel.act(**given)
    assert told.startswith("Det är paus, så inget skickas.")
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None


def test_a_customer_who_has_left_approves_nothing_and_comes_back_with_a_run(
    world: World, panel: Panel
) -> None:
    held(world)
    given = approval_parameters(panel)
    farewell_begins(world)
    assert "Godkänn" not in button_texts(panel.home())
    for do in ("ask", "approve", "refuse"):
        card, told = panel.act(**{**given, "do": do})
        assert told == ""
        assert "Skolsynk är avinstallerat." in text_on(card)
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None
    assert not hold_of(world).refused


def test_run_now_runs_now(world: World, panel: Panel) -> None:
    well(world)
    leave(world, PUPILS["7A"][0])
    _card, told = panel.click(panel.home(), "Kör nu")
    assert told == "Körningen börjar strax."
    world.wait_for_tasks()
    assert at_vendor(world) == 15
    assert world.store.audit_entries(TENANT, 1)[0].what == "run.asked"


def test_run_now_in_a_pause_says_that_it_is_paused(world: World, panel: Panel) -> None:
    paused(world)
    assert "Kör nu" not in button_texts(panel.home())
    _, told = panel.act(do="run")
    assert told == "Det är paus, så inget körs. Avsluta pausen under Inställningar först."


def test_show_all_opens_the_page_with_the_hold(world: World, panel: Panel) -> None:
    held(world)
    button = next(each for each in buttons(panel.home()) if each["text"] == "Visa alla")
    assert button["onClick"]["openLink"]["url"] == "https://skolsynk.example.se/sparrar#sparr-all"


def test_the_hash_is_of_what_would_be_removed(world: World) -> None:
    held(world)
    (waiting,) = waiting_holds(world.store, load_tenant_or_raise(world.store, TENANT))
    hold = waiting.hold
    assert dict(hold.units()) == dict.fromkeys(hold.people, UNIT)
    same = structs.replace(waiting, hold=structs.replace(hold, at=hold.at + 1))
    assert removal_hash(same, None) == removal_hash(waiting, None)
    others = (
        structs.replace(hold, people=hold.people[1:]),
        structs.replace(hold, others={"StudentGroup": ("x",)}),
        structs.replace(hold, changes={"StudentGroup": -2}),
        structs.replace(hold, withdrawal=True),
        structs.replace(hold, refused=1.0),
    )
    hashes = {removal_hash(structs.replace(waiting, hold=each), None) for each in others}
    assert len(hashes | {removal_hash(waiting, None)}) == len(others) + 1


def test_the_card_says_the_likely_cause_and_what_else_goes_before_one_approves(
    world: World, panel: Panel
) -> None:
    """As the page Spärrar does; while the directory is not read, the card says where to look."""
    set_live(world, "all")
    deliver(world)
    world.domain.add_org_unit("/Borta")
    for name in PUPILS["7A"]:
        world.domain.move_user(address(*name), "/Borta")
    deliver(world, HELD)
    asked, _ = panel.click(panel.home(), "Godkänn")
    assert "Vilka det är och varför visas under Visa alla." in text_on(asked)
    assert "Visa alla" in button_texts(asked)
    client = world.sign_in()
    read_directory(world, client)
    cause = "Alla ligger nu i /Borta, som inte ingår i något urval. Har de flyttats dit av misstag?"
    while cause not in (page := world.text(world.ready(client, "/sparrar"))):
        assert "Namnen visas här automatiskt" in page, page
    asked, _ = panel.click(panel.home(), "Godkänn")
    for card in (panel.home(), asked):
        assert cause in text_on(card)
        assert "Det här tas också bort: 1 klass eller grupp" in text_on(card)
