"""The environment: read once, refused with one clear line."""

import logging
from pathlib import Path

import pytest

from addon.settings import ROOT, FirestoreStore, Settings, SettingsError, SqliteStore


def refused(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as error:
        Settings.from_environ(environ)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_an_empty_environment_is_enough() -> None:
    settings = Settings.from_environ({})
    assert settings.store == SqliteStore(Path("var/skolsynk.db"))
    assert settings.directory_endpoint is None
    assert settings.google_key_file is None
    assert settings.firestore_emulator is None
    assert settings.log_level == logging.WARNING
    assert "binogi" in settings.vendors


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKOLSYNK_STORE", "sqlite:///here.db")
    assert Settings.from_environ().store == SqliteStore(Path("here.db"))


@pytest.mark.parametrize(
    ("url", "store"),
    [
        ("sqlite:///var/x.db", SqliteStore(Path("var/x.db"))),
        ("sqlite:////srv/x.db", SqliteStore(Path("/srv/x.db"))),
        ("sqlite:///x", SqliteStore(Path("x"))),
        ("sqlite:///with space/å.db", SqliteStore(Path("with space/å.db"))),
        ("firestore://skolsynk", FirestoreStore("skolsynk", "(default)")),
        ("firestore://skolsynk/test", FirestoreStore("skolsynk", "test")),
        ("firestore://skolsynk/(default)", FirestoreStore("skolsynk", "(default)")),
    ],
)
def test_a_store_is_a_file_or_firestore(url: str, store: object) -> None:
    assert Settings.from_environ({"SKOLSYNK_STORE": url}).store == store


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "var/x.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:////",
        "sqlite://x.db",
        "sqlite:///dir/",
        "sqlite:///:memory:",
        "firestore://",
        "firestore://p/",
        "firestore://p/d/e",
        "postgres://x",
    ],
)
def test_a_malformed_store_is_refused(url: str) -> None:
    assert refused({"SKOLSYNK_STORE": url}).startswith("SKOLSYNK_STORE ")


@pytest.mark.parametrize(
    "given",
    [
        "http://127.0.0.1:8090",
        "http://127.0.0.1:8090/",
        "http://127.0.0.1:8090/admin/directory/v1",
        "http://127.0.0.1:8090/admin/directory/v1/",
    ],
)
def test_a_directory_endpoint_is_its_base(given: str) -> None:
    settings = Settings.from_environ({"SKOLSYNK_DIRECTORY_ENDPOINT": given})
    assert settings.directory_endpoint == "http://127.0.0.1:8090"


@pytest.mark.parametrize(
    "given",
    ["", "127.0.0.1:8090", "ftp://x", "http://", "http://x:99999", "http://x?a=1", "http://["],
)
def test_a_malformed_directory_endpoint_is_refused(given: str) -> None:
    assert "SKOLSYNK_DIRECTORY_ENDPOINT" in refused({"SKOLSYNK_DIRECTORY_ENDPOINT": given})


def test_an_unknown_variable_is_refused_with_the_one_that_was_meant() -> None:
    assert refused({"SKOLSYNK_STOER": "x"}) == (
        "unknown environment variable SKOLSYNK_STOER, did you mean SKOLSYNK_STORE?"
    )


def test_other_programs_variables_are_none_of_ours() -> None:
    Settings.from_environ({"PATH": "/bin", "SKOLSYN": "x", "HOME": ""})


def test_variables_of_vendors_and_tests_are_welcome() -> None:
    environ = {
        "SKOLSYNK_BINOGI_LIVE_KEY": "hunter2",
        "SKOLSYNK_NEWVENDOR_TEST_URL": "https://x.se",
        "SKOLSYNK_REQUIRE_EMULATOR": "1",
    }
    settings = Settings.from_environ(environ)
    assert settings.environ == {"SKOLSYNK_BINOGI_LIVE_KEY": "hunter2"}
    assert "hunter2" not in repr(settings)


def test_variables_that_the_profiles_name_are_welcome_whatever_their_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[vendors.x]\nname = "X"\nlive = { url = "env:SKOLSYNK_WHERE", secret = "env:X_SECRET" }\n'
    )
    environ = {"SKOLSYNK_VENDORS": str(path), "SKOLSYNK_WHERE": "https://x.se", "X_SECRET": "s"}
    settings = Settings.from_environ(environ)
    assert list(settings.vendors) == ["x"]
    target = settings.vendors["x"].endpoint("live").resolve(settings.environ)
    assert target.url == "https://x.se"


def test_broken_profiles_are_the_fault_told_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[vendors.x]\ngroups = 5\n")
    message = refused({"SKOLSYNK_VENDORS": str(path), "SKOLSYNK_WHERE": "https://x.se"})
    assert message == (
        f"{path}: vendors.x.groups: must be one of all, classes, not a number; "
        "vendors.x.name: missing"
    )


def test_profiles_that_are_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert refused({"SKOLSYNK_VENDORS": str(path)}) == f"SKOLSYNK_VENDORS: there is no file {path}"
    assert "SKOLSYNK_VENDORS" in refused({"SKOLSYNK_VENDORS": ""})


def test_profiles_are_found_here_first_and_beside_the_program_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "binogi" in Settings.from_environ({}).vendors
    (tmp_path / "vendors.toml").write_text('[vendors.mine]\nname = "Mine"\n')
    assert list(Settings.from_environ({}).vendors) == ["mine"]
    assert (ROOT / "vendors.toml").is_file()


def test_a_key_file_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    assert "SKOLSYNK_GOOGLE_KEY_FILE" in refused({"SKOLSYNK_GOOGLE_KEY_FILE": str(path)})
    path.write_text("{}")
    environ = {"SKOLSYNK_GOOGLE_KEY_FILE": str(path), "GOOGLE_APPLICATION_CREDENTIALS": "/other"}
    assert Settings.from_environ(environ).google_key_file == path
    del environ["SKOLSYNK_GOOGLE_KEY_FILE"]
    assert Settings.from_environ(environ).google_key_file == Path("/other")


def test_the_firestore_emulator_is_a_host_and_a_port() -> None:
    settings = Settings.from_environ({"FIRESTORE_EMULATOR_HOST": "localhost:8085"})
    assert settings.firestore_emulator == "localhost:8085"
    assert Settings.from_environ({"FIRESTORE_EMULATOR_HOST": ""}).firestore_emulator is None
    assert "HOST:PORT" in refused({"FIRESTORE_EMULATOR_HOST": "http://localhost:8085"})


def test_the_log_level_is_one_of_loggings() -> None:
    assert Settings.from_environ({"SKOLSYNK_LOG_LEVEL": "debug"}).log_level == logging.DEBUG
    assert "DEBUG, INFO" in refused({"SKOLSYNK_LOG_LEVEL": "loud"})
