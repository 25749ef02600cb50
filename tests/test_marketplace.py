"""The folder marketplace/ is what Google takes, and says what the program does."""

import json
import re
import struct
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from google.apps.script.type import CommonAddOnManifest, HttpOptions
from google.protobuf import json_format

from addon import create_app
from addon.directory.google.credentials import AUDIT_SCOPE, RUNTIME_SCOPE, SCOPES
from addon.directory.google.licensing import LICENCE_SCOPE
from addon.settings import Settings, SqliteAddress
from addon.tenants.model import Limits
from addon.web.security.headers import LOGO
from addon.web.views import sign_in

ROOT = Path(__file__).resolve().parent.parent
MARKETPLACE = ROOT / "marketplace"
DEPLOYMENT = json.loads((MARKETPLACE / "deployment.json").read_text("utf-8"))
OURS = json.loads((MARKETPLACE / "scopes.json").read_text("utf-8"))
LISTING = tomllib.loads((MARKETPLACE / "listing.toml").read_text("utf-8"))
GOOGLE = "https://www.googleapis.com/auth/"
FULL_NAMES = {"email": f"{GOOGLE}userinfo.email", "profile": f"{GOOGLE}userinfo.profile"}
"""Names of OpenID scopes in Google's consoles."""
LIMITS = {"name": 50, "short": 200, "detailed": 15_999}
PRODUCTS = ("google", "gmail", "workspace", "drive", "calendar", "classroom", "chrome")
LANGUAGES = ("sv", "en")


def consented() -> set[str]:
    """Every scope that somebody consents to, under the name that Google's consoles have for it."""
    asked = (*OURS["directory"], *OURS["signIn"], *OURS["addOn"])
    return {FULL_NAMES.get(scope, scope) for scope in asked}


def document(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


# Scopes


def test_the_program_asks_for_the_scopes_of_the_marketplace_and_no_others() -> None:
    assert OURS["directory"] == list(SCOPES)
    assert OURS["signIn"] == list(sign_in.SCOPES)
    assert OURS["addOn"] == DEPLOYMENT["oauthScopes"]
    assert OURS["serviceAccount"] == [LICENCE_SCOPE, RUNTIME_SCOPE]
    assert OURS["auditWatch"] == [AUDIT_SCOPE]
    assert OURS.keys() == {"directory", "signIn", "addOn", "serviceAccount", "auditWatch"}


def test_no_module_asks_for_a_scope_that_the_marketplace_has_not() -> None:
    known = {scope for scopes in OURS.values() for scope in scopes}
    for path in sorted((ROOT / "addon").rglob("*.py")):
        named = re.findall(rf'"({GOOGLE}[\w./]+)"', path.read_text("utf-8"))
        assert set(named) <= known, path


def test_the_addon_asks_for_nothing_of_the_directory() -> None:
    """Any scope may be missing; what is read is read by the service account's delegation."""
    assert set(OURS["addOn"]) == {"openid", f"{GOOGLE}userinfo.email"}


def test_no_scope_is_more_than_reading_the_directory() -> None:
    for scope in OURS["directory"]:
        assert re.fullmatch(rf"{GOOGLE}admin\.directory\.[a-z.]+\.readonly", scope)


def test_the_documents_have_the_scopes_of_the_marketplace_and_no_others() -> None:
    security = re.findall(r"^\| `(admin\.[a-z.]+)` \| .{20,} \|$", document("SECURITY.md"), re.M)
    assert [GOOGLE + name for name in security] == OURS["directory"]
    named = set(re.findall(r"`([^`]+)`", document("SECURITY.md")))
    assert {scope.removeprefix(GOOGLE) for scopes in OURS.values() for scope in scopes} <= named
    assert ",".join(OURS["directory"]) in document("docs/deploy.md")
    listed = re.findall(rf"^({GOOGLE}\S+|openid)$", document("docs/marketplace.md"), re.M)
    assert sorted(listed) == sorted(consented())


def test_verification_has_a_reason_for_every_scope() -> None:
    text = document("marketplace/verification.md")
    reasons = {
        scope: body
        for head, body in re.findall(r"^### (.+)\n+((?:(?!#).+\n|\n)+)", text, re.M)
        for scope in re.findall(r"`([^`]+)`", head)
    }
    assert {FULL_NAMES.get(scope, scope) for scope in reasons} == consented()
    assert all(len(body.split()) >= 10 for body in reasons.values())


def test_the_demo_video_shows_every_scope() -> None:
    script = document("marketplace/verification.md").partition("## The demo video")[2]
    for scope in (*OURS["directory"], *OURS["addOn"]):
        assert f"`{scope.removeprefix(GOOGLE).removeprefix('admin.directory.')}`" in script, scope


# The deployment


def addresses(value: Any) -> list[str]:
    """Every address in the deployment but the scopes."""
    found = re.findall(r'"(https?://[^"]*)"', json.dumps(value["addOns"]))
    assert found
    return found


def test_google_takes_the_deployment() -> None:
    add_ons = DEPLOYMENT["addOns"]
    json_format.ParseDict(add_ons["common"], CommonAddOnManifest()._pb)
    options = dict(add_ons["httpOptions"])
    assert options.pop("granularOauthPermissionSupport") == "OPT_IN"  # newer than the package
    json_format.ParseDict(options, HttpOptions()._pb)
    hosts = {"gmail", "calendar", "drive"}
    assert add_ons.keys() == {"common", "httpOptions", *hosts}
    assert DEPLOYMENT.keys() == {"oauthScopes", "addOns"}


def test_the_judge_of_the_deployment_refuses_what_it_does_not_know() -> None:
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict({"nmae": "Skolsynk"}, CommonAddOnManifest()._pb)


def test_the_deployment_has_one_host_to_fill_in() -> None:
    assert {address.split("/")[2] for address in addresses(DEPLOYMENT)} == {"HOST"}
    assert all(address.startswith("https://HOST/") for address in addresses(DEPLOYMENT))


def test_what_the_side_panel_links_to_is_there(tmp_path: Path) -> None:
    common = DEPLOYMENT["addOns"]["common"]
    client = create_app(Settings(SqliteAddress(tmp_path / "x.db"), {})).test_client()
    for action in common["universalActions"]:
        if link := action.get("openLink"):
            assert client.get(link.removeprefix("https://HOST")).status_code in (200, 302), link
            assert any(link.startswith(prefix) for prefix in common["openLinkUrlPrefixes"])
    rules = client.application.url_map.bind("localhost")
    for action in (common["homepageTrigger"], *common["universalActions"]):
        if function := action.get("runFunction"):
            assert rules.match(function.removeprefix("https://HOST"), "POST")[0]
    logo = client.get(common["logoUrl"].removeprefix("https://HOST"))
    assert (logo.status_code, logo.mimetype) == (200, "image/png")


def test_googles_pages_may_show_the_logo_and_nothing_else_of_ours(tmp_path: Path) -> None:
    client = create_app(Settings(SqliteAddress(tmp_path / "x.db"), {})).test_client()
    policy = "Cross-Origin-Resource-Policy"
    assert client.get(LOGO).headers[policy] == "cross-origin"
    assert client.get("/static/skolsynk.svg").headers[policy] == "same-origin"
    assert DEPLOYMENT["addOns"]["common"]["logoUrl"] == f"https://HOST{LOGO}"


def make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", "--no-print-directory", "marketplace", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("given", ["URL", "SETTINGS"])
def test_make_marketplace_fills_in_the_host(tmp_path: Path, given: str) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("  SKOLSYNK_URL: https://skolsynk.example.se\n")
    value = {"URL": "https://skolsynk.example.se/", "SETTINGS": str(settings)}[given]
    done = make(f"{given}={value}", f"MADE={tmp_path / 'made'}")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "made" / "deployment.json"
    assert done.stdout == f"{path}\n"
    made = path.read_text("utf-8")
    assert made == document("marketplace/deployment.json").replace("HOST", "skolsynk.example.se")


@pytest.mark.parametrize(
    "url", ["", "http://skolsynk.example.se", "https://x.se/path", "https://", "https://a b.se"]
)
def test_make_marketplace_refuses_what_is_no_host(tmp_path: Path, url: str) -> None:
    done = make(f"URL={url}", f"SETTINGS={tmp_path / 'none'}", f"MADE={tmp_path / 'made'}")
    assert done.returncode != 0
    assert "make marketplace URL=https://" in done.stderr
    assert not (tmp_path / "made").exists()


# The listing


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_of_the_listing_are_within_googles_limits(language: str) -> None:
    texts = LISTING[language]
    assert texts.keys() == LIMITS.keys()
    for name, most in LIMITS.items():
        text = texts[name].strip()
        assert 0 < len(text) <= most, name
    assert len(texts["detailed"]) > 800
    assert not [word for word in PRODUCTS if word in texts["name"].casefold()]
    assert "<" not in texts["detailed"]


def test_the_listing_says_the_same_in_both_languages() -> None:
    for name in LIMITS:
        counts = {LISTING[language][name].count("\n") for language in LANGUAGES}
        assert len(counts) == 1, name
    assert len({LISTING[language]["name"] for language in LANGUAGES}) == 1


def test_the_listing_names_the_vendors_of_the_profiles() -> None:
    vendors = tomllib.loads(document("vendors.toml"))["vendors"].values()
    for language in LANGUAGES:
        assert [v for v in vendors if v["name"] not in LISTING[language]["detailed"]] == []


def test_the_listing_says_the_limits_that_a_connection_begins_with() -> None:
    limits = Limits()
    people, percent = limits.deletions, f"{limits.deletions_percent:g}"
    assert f"från början {people} personer eller {percent} procent" in LISTING["sv"]["detailed"]
    assert f"initially {people} people or {percent} percent" in LISTING["en"]["detailed"]


def test_every_link_of_the_listing_leads_to_what_it_says(tmp_path: Path) -> None:
    client = create_app(Settings(SqliteAddress(tmp_path / "x.db"), {})).test_client()
    links = LISTING["links"]
    assert (links["privacyPolicy"], links["termsOfService"]) == ("/integritet", "/villkor")
    for name, path in links.items():
        wanted = 302 if path == "/" else 200  # the first page asks people to sign in
        assert client.get(path).status_code == wanted, name


# Pictures


def size(path: Path) -> tuple[int, int]:
    """The width and height of a PNG. https://www.w3.org/TR/png-3/#11IHDR"""
    start = path.read_bytes()[:24]
    assert start[:8] == b"\x89PNG\r\n\x1a\n", path
    width, height = struct.unpack(">II", start[16:24])
    return width, height


def test_logos_have_the_sizes_that_google_asks_for() -> None:
    sizes = {path.name: size(path) for path in (MARKETPLACE / "logos").iterdir()}
    icons = {f"icon-{n}.png": (n, n) for n in (32, 48, 96, 128)}
    assert sizes == icons | {"banner.png": (220, 140)}
    side_panel = (ROOT / "static" / "logo-128.png").read_bytes()
    assert side_panel == (MARKETPLACE / "logos" / "icon-128.png").read_bytes()


def test_screenshots_have_the_size_and_number_that_google_asks_for() -> None:
    pictures = list((MARKETPLACE / "screenshots").iterdir())
    assert 3 <= len(pictures) <= 5
    assert {size(path) for path in pictures} == {(1280, 800)}
    assert max(path.stat().st_size for path in pictures) <= 200_000
