"""English, the second language: all of it is there, and no page falls back into Swedish."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from babel.messages.mofile import read_mo

from addon.web.formats import ago, duration, moment, number
from addon.web.security.headers import PUBLIC
from tests.support.links import follow_links, words_on
from tests.support.small_school import PUPILS, UNITS, address, leave, person, small_school_pages
from tests.support.world import World
from tests.web import catalogue
from tests.web.catalogue import forms, texts

ASK = "run `make translations`, and translate what it lists"
NOTIFICATIONS = catalogue.ROOT / "templates" / "notifications"
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
WORD = re.compile(r"[^\W\d_]+")
SHORT = 12
"""Pieces of text up to this many letters may be the same in both languages, or a part of data."""
SWEDISH = frozenset(
    "alla att av bara eller ett har hos ingen inget inte kan med men nya och om ska skulle som "
    "vad varje vid vilka".split()
)
"""Words that no English text has; whatever has å, ä or ö is taken for Swedish too."""


@pytest.fixture(scope="module")
def english():
    return catalogue.kept()


def translations(english) -> Iterator[tuple[str, str]]:
    """Each Swedish form that has English, with it."""
    for message in texts(english):
        if all(forms(message.string)):
            yield from zip(forms(message.id), forms(message.string), strict=True)


GRATES = re.compile(
    r"\bborttag\b|\bborttaget hos|\bsitt lager|som driver Skolsynk|hålls inte aktuell|hålls aktuell"
    r"|[Ss]e efter att|nås inte längre|av sig (själva|själv)\b|\b[Dd]e 1 |fler än vanligt"
)
"""Swedish that was read aloud and found wrong, and that the pages say otherwise now."""


# The catalogue


def test_no_text_has_swedish_that_was_found_wrong(english):
    said = [form for message in texts(english) for form in forms(message.id)]
    said += [p.read_text("utf-8") for p in NOTIFICATIONS.glob("*.sv.txt")]
    assert [text for text in said if GRATES.search(text)] == []


def test_the_catalogue_has_the_texts_of_the_pages_and_no_others(english):
    here = {forms(message.id) for message in texts(english)}
    wanted = {forms(message.id) for message in texts(catalogue.extracted())}
    assert here == wanted, ASK


def test_every_text_has_english(english):
    left = [forms(message.id)[0] for message in catalogue.missing(english)]
    assert not left, ASK


def test_the_english_is_filled_in_with_the_same_values_as_the_swedish(english):
    wrong = [
        (swedish, translated)
        for swedish, translated in translations(english)
        if set(PLACEHOLDER.findall(swedish)) != set(PLACEHOLDER.findall(translated))
        or PLACEHOLDER.sub("", translated).count("%") != PLACEHOLDER.sub("", swedish).count("%")
    ]
    assert not wrong


def test_the_english_begins_and_ends_with_a_space_where_the_swedish_does(english):
    """Such a text is a part of a sentence, and what it is joined with has no space."""
    wrong = [
        translated
        for swedish, translated in translations(english)
        if swedish[0].isspace() != translated[0].isspace()
        or swedish[-1].isspace() != translated[-1].isspace()
    ]
    assert not wrong


def test_no_text_of_a_template_has_a_sign_that_is_markup(english):
    """What is translated in a template is not escaped; values that are put into it are."""
    templates = [
        message
        for message in texts(english)
        if any(place.startswith("templates/") for place, _ in message.locations)
    ]
    assert templates
    said = [form for m in templates for form in (*forms(m.id), *forms(m.string))]
    assert not [text for text in said if set(text) & set("<>&")]


def test_what_is_compiled_is_what_the_catalogue_says(english):
    with catalogue.MO.open("rb") as file:
        compiled = {forms(m.id): forms(m.string) for m in texts(read_mo(file))}
    translated = {forms(m.id): forms(m.string) for m in texts(english) if all(forms(m.string))}
    assert {text: compiled.get(text) for text in translated} == translated, ASK


# The pages


def in_english(world: World):
    """An administrator who has signed in and chosen English at the foot of a page."""
    client = world.sign_in()
    client.get("/")
    chosen = world.send(client, client.get("/installningar"), "/sprak", language="en")
    assert chosen.status_code == 302
    return client


def first_paths(world: World) -> list[str]:
    """The pages for an administrator that have one address."""
    views = world.app.view_functions
    return [
        rule.rule
        for rule in world.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments and rule.endpoint in views
        if not rule.rule.startswith(("/cron", "/healthz", "/readyz", "/logga-in"))
        and rule.rule not in PUBLIC  # links lead there, in the language of the page
    ]


def own_words(world: World) -> set[str]:
    """The words of the tenant's data, in whatever language."""
    domain = world.domain
    data = json.dumps([domain.to_json(), world.stored_document()], ensure_ascii=False)
    return {word.casefold() for word in WORD.findall(data + " ".join(u.name for u in UNITS))}


def swedish_pieces(english) -> Iterator[str]:
    """The longest piece between values of each Swedish text that is not English as well."""
    all_english = " ".join(form for m in texts(english) for form in forms(m.string)).casefold()
    for message in texts(english):
        for form in forms(message.id):
            piece = " ".join(max(PLACEHOLDER.split(form), key=len).split()).casefold()
            if len(piece) > SHORT and piece not in all_english:
                yield piece


def swedish_on(words: list[str], own: set[str], pieces: list[str]) -> list[str]:
    """What of a page is Swedish, other than the tenant's own data and the way to Swedish."""
    found = []
    for text in words:
        for word in WORD.findall(text.casefold()):
            if (word in SWEDISH or set(word) & set("åäö")) and word not in own:
                found.append(text)
                break
        else:
            found += [text for piece in pieces if piece in text.casefold()]
    return [text for text in found if text != "På svenska"]


@pytest.fixture
def busy(tmp_path):
    """A school where much has happened: a delivery, a hold, findings, a pause, a vendor in test."""
    world = small_school_pages(tmp_path)
    world.document["schoolUnits"] += [
        {"code": "12345680", "name": "Södra skolan", "schoolTypes": ["GR"]},
        {"code": "12345679", "name": "Gamla skolan", "students": {"orgUnits": ["/Borta"]}},
    ]
    with world:
        world.domain.add_user(person("Anna", "Ny", "/Elever"))
        nameless = person("", "Namnlös", "/Elever/7A") | {"primaryEmail": "x@edu.storvik.se"}
        world.domain.add_user(nameless)
        client = in_english(world)
        for path in ("/leverantorer/some/lage/live", "/leverantorer/all/lage/test"):
            assert world.send(client, world.ready(client, path), path).status_code == 302
            world.wait_for_tasks()
            world.clock.ahead += 3600
        leave(world, *PUPILS["7A"])
        world.domain.suspend(address(*PUPILS["7B"][0]))
        world.domain.rename_user(address(*PUPILS["7B"][1]), "Abdi", "Warsame")
        for action in ("/korningar/nu", "/katalog/las"):
            assert world.send(client, client.get("/korningar"), action).status_code == 302
            world.wait_for_tasks()
        world.client = client
        yield world


def not_english(world, client, english, paths) -> dict[str, object]:
    """What is not as it should be, by the path of the page; walks from these pages."""
    own, pieces = own_words(world), list(swedish_pieces(english))
    wrong: dict[str, object] = {}
    walked = set()
    for path, response in follow_links(world, client, paths):
        walked.add(path)
        if response.status_code == 404 and path in paths:
            continue  # a part of a page, which needs to be told which
        if response.status_code >= 400:
            wrong[path] = response.status
        elif '<html lang="en">' not in response.text:
            wrong[path] = "the language of the page is not said to be English"
        elif left := swedish_on(words_on(response), own, pieces):
            wrong[path] = left
    assert walked
    return wrong


def test_no_page_of_a_site_in_use_has_any_swedish_left(busy, english):
    assert not_english(busy, busy.client, english, first_paths(busy)) == {}


def test_no_page_has_any_swedish_left_during_a_pause(busy, english):
    page = busy.client.get("/installningar")
    today = date.fromtimestamp(busy.clock())
    days = {"from": today.isoformat(), "until": (today + timedelta(30)).isoformat()}
    assert busy.send(busy.client, page, "/installningar/paus", **days).status_code == 302
    assert not_english(busy, busy.client, english, ["/"]) == {}


def test_no_page_has_any_swedish_left_where_nothing_is_set_up(tmp_path, english):
    world = small_school_pages(tmp_path)
    document = world.document
    document["schoolUnits"] = []
    for connection in document["connections"]:
        connection["schoolUnits"] = []
    with world:
        assert not_english(world, in_english(world), english, first_paths(world)) == {}


@pytest.mark.parametrize(
    "path",
    ["/logga-in", "/logga-in/klar", "/finns-inte", *sorted(PUBLIC - {"/.well-known/security.txt"})],
)
def test_who_has_not_signed_in_reads_english_if_that_is_what_the_browser_asks_for(
    world, english, path
):
    response = world.app.test_client().get(
        path, headers={"Accept-Language": "en-GB,en;q=0.9"}, follow_redirects=True
    )
    assert '<html lang="en">' in response.text
    assert not swedish_on(words_on(response), set(), list(swedish_pieces(english)))


def test_the_page_for_what_went_wrong_which_depends_on_nothing_speaks_both_languages(world):
    page = world.app.jinja_env.get_template("errors/broken.html").render()
    assert "Något gick fel" in page
    assert '<p lang="en">Something went wrong.' in page


# Numbers and times


@pytest.fixture
def speaking_english(world):
    with world.app.test_request_context(headers={"Accept-Language": "en"}):
        yield


@pytest.mark.usefixtures("speaking_english")
def test_numbers_are_written_as_in_english():
    assert number(11204) == "11,204"
    assert number(1234567) == "1,234,567"
    assert number(2.5) == "2.5"


@pytest.mark.parametrize(("language", "said"), [("sv", "11 204 personer"), ("en", "11,204 people")])
def test_a_number_in_a_sentence_is_written_as_other_numbers_are(world, language, said):
    template = world.app.jinja_env.from_string(
        "{{ ngettext('%(num)s person', '%(num)s personer', 11204) }}"
    )
    with world.app.test_request_context(headers={"Accept-Language": language}):
        assert template.render().replace("\u00a0", " ") == said


@pytest.mark.usefixtures("speaking_english")
def test_times_are_said_in_english_and_written_the_same_in_both_languages():
    at = 1786942800.0
    assert moment(at) == "2026-08-17 07:00"
    assert ago(at, at + 30) == "less than a minute ago"
    assert ago(at, at + 60) == "1 minute ago"
    assert ago(at, at + 12 * 60) == "12 minutes ago"
    assert ago(at, at + 3 * 24 * 3600) == "3 days ago"
    assert duration(0.4) == "less than a second"
    assert duration(7200) == "2 hours"
