"""What anyone may read: the public pages, the agreements and security.txt."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from addon import create_app
from addon.directory.google.credentials import SCOPES
from addon.settings import Settings, SettingsError, SqliteAddress, WebSettings
from addon.tenants.model import Limits
from addon.vendors.agreements import find_agreements
from addon.web.operator import COOPERATIVE_ADDRESS
from addon.web.security.headers import HEADERS, PUBLIC, STATIC_KEPT
from tests.browser import addresses, inspection
from tests.support.page_content import text_of
from tests.support.small_school import small_school_pages
from tests.support.world import World

PAGES = sorted(PUBLIC - {"/.well-known/security.txt"})
SECURITY = "/.well-known/security.txt"
PDF = b"%PDF-1.7\n"


def application(folder: Path, **values: object) -> Flask:
    """An application whose store cannot be opened."""
    settings = {"store": SqliteAddress(folder / "no folder" / "x.db"), "vendors": {}, **values}
    return create_app(Settings(**settings))  # type: ignore[arg-type]


@pytest.fixture
def anyone(tmp_path: Path) -> FlaskClient:
    return application(tmp_path).test_client()


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_school_pages(tmp_path_factory.mktemp("school")) as world:
        yield world


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_anyone_reads_it_without_a_session_and_without_the_store(
    anyone: FlaskClient, path: str
) -> None:
    answer = anyone.get(path)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert answer.headers["Cache-Control"] == STATIC_KEPT
    others = {name: value for name, value in HEADERS.items() if name != "Cache-Control"}
    assert {name: answer.headers[name] for name in others} == others


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_it_is_the_same_for_an_administrator_and_leaves_the_session_alone(
    school: World, path: str
) -> None:
    signed_in, nobody = school.sign_in(), school.app.test_client()
    answer = signed_in.get(path)
    assert "Set-Cookie" not in answer.headers
    assert answer.data == nobody.get(path).data
    assert signed_in.get("/installningar/logg").status_code == 200


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_what_has_not_changed_is_not_sent_again(anyone: FlaskClient, path: str) -> None:
    tag = anyone.get(path).headers["ETag"]
    again = anyone.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_nothing_but_reading_is_open(school: World, path: str) -> None:
    client = school.app.test_client()
    assert [client.open(path, method=m).status_code for m in ("POST", "PUT")] == [401, 401]
    for other in (path + "/", path + "x", path.upper()):
        assert client.get(other).status_code in (302, 308, 404)


@pytest.mark.parametrize("path", PAGES)
def test_the_address_or_else_the_browser_decides_the_language(
    anyone: FlaskClient, path: str
) -> None:
    def language(address: str, accepts: str) -> str | None:
        answer = anyone.get(address, headers={"Accept-Language": accepts})
        assert "Accept-Language" in answer.headers["Vary"]
        found = re.search(r'<html lang="(\w+)">', answer.text)
        return found and found[1]

    assert language(path, "sv") == language(path, "de") == "sv"
    assert language(path, "en-GB,en;q=0.9") == "en"
    assert language(f"{path}?sprak=sv", "en") == "sv"
    assert language(f"{path}?sprak=en", "sv") == "en"
    assert language(f"{path}?sprak=xx", "sv") == "sv"


def test_links_to_them_keep_the_language_of_the_page(school: World) -> None:
    client = school.sign_in()
    assert 'href="/hjalp"' in client.get("/installningar").text
    school.send(client, client.get("/installningar"), "/sprak", language="en")
    assert 'href="/hjalp?sprak=en"' in client.get("/installningar").text
    assert 'href="/villkor?sprak=en"' in client.get("/hjalp?sprak=en").text


def test_every_page_links_to_all_of_them(school: World) -> None:
    for client, path in (
        (school.app.test_client(), "/logga-in"),
        (school.sign_in(), "/installningar"),
        (school.app.test_client(), "/hjalp"),
    ):
        page = client.get(path).text
        assert [link for link in PAGES if f'href="{link}"' not in page] == [], path


# What they say


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_whom_to_write_to_and_who_operates_it(
    tmp_path: Path, path: str, language: str
) -> None:
    web = WebSettings(operator="Storvik & Söner AB", contact="fraga+oss@storvik.se")
    ours = application(tmp_path, web=web).test_client().get(f"{path}?sprak={language}").text
    assert 'href="mailto:fraga%2Boss@storvik.se"' in ours
    assert "Storvik &amp; Söner AB" in ours
    assert COOPERATIVE_ADDRESS not in ours
    default = application(tmp_path).test_client().get(f"{path}?sprak={language}").text
    name = "ekonomiska förening" if language == "sv" else "the vendors' co-operative"
    assert COOPERATIVE_ADDRESS in default
    assert name in text_of(default)


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_a_name_that_ends_in_a_full_stop_ends_a_sentence_with_one(
    tmp_path: Path, path: str, language: str
) -> None:
    web = WebSettings(operator="Exempelföreningen ek. för.")
    page = application(tmp_path, web=web).test_client().get(f"{path}?sprak={language}")
    said = text_of(page.text)
    assert "Exempelföreningen ek. för." in said
    assert "för.." not in said


def test_help_names_the_vendors_and_what_they_do_not_accept(school: World) -> None:
    text = school.text(school.app.test_client().get("/hjalp"))
    assert "Här kan uppgifter skickas till All och Some." in text
    assert "Some tar emot klasser men inga andra grupper." in text
    assert "Hos Some kan varje person bara finnas på en skolenhet och i en klass." in text
    assert "All tar emot klasser" not in text


def test_help_says_the_limits_that_a_connection_begins_with(school: World) -> None:
    text = school.text(school.app.test_client().get("/hjalp"))
    assert "från början 50 personer eller 10 procent av dem som finns hos leverantören" in text
    assert (Limits().deletions, Limits().deletions_percent) == (50, 10)


def test_terms_say_that_a_person_approves_removals_beyond_the_limit(anyone: FlaskClient) -> None:
    text = text_of(anyone.get("/villkor").text)
    assert "att en person hos huvudmannen tar ställning till varje spärr" in text
    assert "borttagningar över gränsen görs först när de har godkänts" in text


def test_the_privacy_policy_has_every_scope_and_no_other(anyone: FlaskClient) -> None:
    page = anyone.get("/integritet").text.replace("<wbr>", "")
    told = re.findall(r"<code>(admin\.[\w.]+)</code>", page)
    assert [f"https://www.googleapis.com/auth/{name}" for name in told] == list(SCOPES)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_privacy_policy_has_googles_statement_word_for_word(
    anyone: FlaskClient, language: str
) -> None:
    text = text_of(anyone.get(f"/integritet?sprak={language}").text)
    assert (
        "Skolsynk's use and transfer to any other app of information received from Google APIs "
        "will adhere to the Google API Services User Data Policy , including the Limited Use "
        "requirements."
    ) in text


def test_the_privacy_policy_says_where_data_is_and_how_long_from_the_settings(
    tmp_path: Path,
) -> None:
    environ = {
        "SKOLSYNK_STORE": "firestore://p",
        "SKOLSYNK_TASKS": "cloudtasks://p/europe-west1",
        "SKOLSYNK_TASKS_URL": "https://skolsynk.example.se",
        "SKOLSYNK_SERVICE_ACCOUNT": "skolsynk@p.iam.gserviceaccount.com",
        "SKOLSYNK_MAIL": "smtp://smtp.example.se",
        "SKOLSYNK_MAIL_FROM": "skolsynk@example.se",
    }
    cloud = create_app(Settings.from_environ(environ)).test_client().get("/integritet").text
    here = application(tmp_path, web=WebSettings(register=None)).test_client()
    machine = here.get("/integritet").text
    for said, there in (
        ("i regionen europe-west1", (True, False)),
        ("på en server som", (False, True)),
        ("En e-posttjänst", (True, False)),
        ("Skolverket tillfrågas", (True, False)),
    ):
        assert (said in cloud, said in machine) == there, said
    for kept in ("Högst 24 timmar.", "högst 6 timmar.", "Högst 90 dagar", "De 1 000 senaste."):
        assert kept in text_of(machine)
    assert "efter 12 timmar utan aktivitet, och senast efter 7 dagar" in text_of(machine)


def test_the_accessibility_statement_has_what_the_regulations_ask_for(anyone: FlaskClient) -> None:
    """https://www.digg.se/kunskap-och-stod/digital-tillganglighet/skapa-en-tillganglighetsredogorelse"""
    page = anyone.get("/tillganglighet").text
    text = text_of(page)
    for asked in (
        "delvis förenligt med lagens krav",
        "(2018:1937)",
        "Kända brister",
        "oskäligt betungande anpassning",
        "Det som inte omfattas",
        "Bedömningen är vår egen och gjordes senast 20",
        "Senast ändrad 20",
    ):
        assert asked in text
    assert 'href="https://www.digg.se/tdosanmalan"' in page


def test_the_accessibility_statement_tells_of_the_tests_that_there_are(anyone: FlaskClient) -> None:
    text = text_of(anyone.get("/tillganglighet").text)
    assert {"wcag2a", "wcag2aa", "wcag21a", "wcag21aa"} <= set(inspection.STANDARD)
    assert "axe-core mot WCAG 2.1 A och AA" in text
    assert {look.colours for look in inspection.TWO_LOOKS} == {"light", "dark"}
    assert "i bred och smal bild, ljust och mörkt läge" in text
    assert f"i sidled vid {inspection.NARROW[0]} bildpunkters bredd" in text
    assert set(PAGES) <= {page for pages in addresses.PAGES.values() for page in pages}


# security.txt


def test_security_txt_is_as_rfc_9116_has_it(tmp_path: Path) -> None:
    web = WebSettings(url="https://skolsynk.example.se", contact="sakerhet@example.se")
    answer = application(tmp_path, web=web).test_client().get(SECURITY)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:sakerhet@example.se"
    assert fields["Preferred-Languages"] == "sv, en"
    assert fields["Canonical"] == "https://skolsynk.example.se/.well-known/security.txt"
    expires = datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=90) < expires - datetime.now(UTC) < timedelta(days=365)
    assert set(fields) == {"Contact", "Expires", "Preferred-Languages", "Canonical"}


def test_security_txt_is_at_the_address_that_was_asked_where_none_is_set(
    anyone: FlaskClient,
) -> None:
    assert "Canonical: http://localhost/.well-known/security.txt\n" in anyone.get(SECURITY).text


# Agreements


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """Profiles of two vendors, with the folder for agreements beside them."""
    path = tmp_path / "vendors.toml"
    path.write_text('[vendors.some]\nname = "Some & Co"\n[vendors.other]\nname = "Other"\n')
    (tmp_path / "agreements").mkdir()
    return path


def settings_of(profiles: Path) -> Settings:
    return Settings.from_environ(
        {"SKOLSYNK_VENDORS": str(profiles), "SKOLSYNK_STORE": f"sqlite:///{profiles.parent}/x.db"}
    )


def test_agreements_beside_the_profiles_are_given_out_and_linked_to(profiles: Path) -> None:
    for name in ("some", "skolsynk"):
        (profiles.parent / "agreements" / f"{name}.pdf").write_bytes(PDF + name.encode())
    client = create_app(settings_of(profiles)).test_client()
    terms = client.get("/villkor").text
    assert 'href="/avtal/some.pdf">Avtalet med Some &amp; Co (pdf)' in terms
    assert 'href="/avtal/skolsynk.pdf">Avtalet med oss (pdf)' in terms
    assert "/avtal/other.pdf" not in terms
    answer = client.get("/avtal/some.pdf")
    assert (answer.status_code, answer.data) == (200, PDF + b"some")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == "attachment; filename=some.pdf"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_terms_say_where_agreements_are_when_there_are_none(anyone: FlaskClient) -> None:
    text = text_of(anyone.get("/villkor").text)
    assert (
        "Avtalet med oss får ni av Skolsynks support. Leverantörernas avtal får ni av dem." in text
    )


def test_an_administrator_is_not_sent_in_circles_by_an_address_that_is_nothing(
    school: World,
) -> None:
    client = school.sign_in()
    for path in ("/avtal/", "/avtal/x", "/avtal/x/y.pdf", "/.well-known/x", "/hjalp/x"):
        assert client.get(path, follow_redirects=True).status_code == 404


def test_terms_say_what_an_uninstalled_app_leads_to_where_licences_are_asked_for(
    tmp_path: Path,
) -> None:
    app = application(tmp_path, marketplace_app="123456789012", farewell_days=45)
    assert "Under 45 dagar därefter kan ni installera igen" in text_of(
        app.test_client().get("/villkor").text
    )
    assert "installera igen" not in application(tmp_path).test_client().get("/villkor").text


@pytest.mark.parametrize(
    "name", ["other.pdf", "..%2fvendors.pdf", "../vendors.toml", "some.toml", "%2e%2e/x.pdf", ""]
)
def test_nothing_but_an_agreement_is_given_out(profiles: Path, name: str) -> None:
    (profiles.parent / "agreements" / "some.pdf").write_bytes(PDF)
    (profiles.parent / "vendors.pdf").write_bytes(PDF)
    answer = create_app(settings_of(profiles)).test_client().get(f"/avtal/{name}")
    assert answer.status_code in (302, 404)
    assert b"PDF" not in answer.data


@pytest.mark.parametrize("name", ["somme.pdf", "some.PDF", "some.docx", "some"])
def test_an_agreement_of_nobody_stops_the_program_at_start(profiles: Path, name: str) -> None:
    (profiles.parent / "agreements" / name).write_bytes(PDF)
    with pytest.raises(SettingsError, match=re.escape(name)):
        settings_of(profiles)


def test_hidden_files_and_no_folder_are_no_agreements(tmp_path: Path) -> None:
    assert find_agreements(tmp_path, {"some": None}) == {}
    (tmp_path / "agreements").mkdir()
    (tmp_path / "agreements" / ".gitkeep").touch()
    assert find_agreements(tmp_path, {"some": None}) == {}
