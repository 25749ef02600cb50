"""The environment: read once, refused with one clear line."""

import logging
from pathlib import Path

import pytest

from addon.settings import (
    ROOT,
    CloudTasks,
    FirestoreAddress,
    LocalTasks,
    Settings,
    SettingsError,
    SqliteAddress,
)
from addon.settings.variables import KNOWN, VARIABLES, Variable

APP_ENGINE = {
    "GAE_ENV": "standard",
    "GAE_APPLICATION": "e~skolsynk",
    "GOOGLE_CLOUD_PROJECT": "skolsynk",
    "SKOLSYNK_TASKS": "cloudtasks://skolsynk/europe-west1",
}
ELSEWHERE = {
    "SKOLSYNK_TASKS": "cloudtasks://skolsynk/europe-west1",
    "SKOLSYNK_TASKS_URL": "https://skolsynk.example.se",
    "SKOLSYNK_SERVICE_ACCOUNT": "skolsynk@p.iam.gserviceaccount.com",
}


def refused(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as error:
        Settings.from_environ(environ)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_an_empty_environment_is_enough() -> None:
    settings = Settings.from_environ({})
    assert settings.store == SqliteAddress(Path("var/skolsynk.db"))
    assert settings.directory_endpoint is None
    assert settings.google_key_file is None
    assert settings.firestore_emulator is None
    assert settings.log_level == logging.WARNING
    assert settings.log_format == "text"
    assert settings.tasks == LocalTasks()
    assert settings.tasks_url is None
    assert settings.tasks_emulator is None
    assert settings.service_account is None
    assert settings.schedule_hours == 1
    assert not settings.on_app_engine
    assert settings.project is None
    assert "binogi" in settings.vendors


@pytest.mark.parametrize(
    ("environ", "push"),
    [
        ({}, False),
        ({"SKOLSYNK_URL": "https://skolsynk.example"}, True),
        ({"SKOLSYNK_URL": "https://skolsynk.example", "SKOLSYNK_PUSH": "off"}, False),
        ({"SKOLSYNK_URL": "http://127.0.0.1:8080", "SKOLSYNK_PUSH": "on"}, True),
        ({"SKOLSYNK_PUSH": "off"}, False),
    ],
)
def test_google_notifies_where_there_is_an_address(environ: dict[str, str], push: bool) -> None:
    assert Settings.from_environ(environ).push is push


def test_notifications_without_an_address_stop_the_program() -> None:
    assert refused({"SKOLSYNK_PUSH": "on"}) == (
        "SKOLSYNK_URL is needed with SKOLSYNK_PUSH=on: Google sends notifications to it"
    )


@pytest.mark.parametrize("name", ["SKOLSYNK_PUSH", "SKOLSYNK_AUDIT_WATCH"])
@pytest.mark.parametrize("value", ["", " ", "ON", "true", "1", "no"])
def test_a_switch_is_on_or_off(name: str, value: str) -> None:
    assert refused({name: value, "SKOLSYNK_URL": "https://skolsynk.example"}).startswith(name)


def test_groups_are_heard_of_only_where_that_is_asked_for() -> None:
    assert not Settings.from_environ({}).audit_watch
    assert Settings.from_environ({"SKOLSYNK_AUDIT_WATCH": "on"}).audit_watch


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKOLSYNK_STORE", "sqlite:///here.db")
    assert Settings.from_environ().store == SqliteAddress(Path("here.db"))


@pytest.mark.parametrize(
    ("url", "store"),
    [
        ("sqlite:///var/x.db", SqliteAddress(Path("var/x.db"))),
        ("sqlite:////srv/x.db", SqliteAddress(Path("/srv/x.db"))),
        ("sqlite:///x", SqliteAddress(Path("x"))),
        ("sqlite:///with space/å.db", SqliteAddress(Path("with space/å.db"))),
        ("firestore://skolsynk", FirestoreAddress("skolsynk", "(default)")),
        ("firestore://skolsynk/test", FirestoreAddress("skolsynk", "test")),
        ("firestore://skolsynk/(default)", FirestoreAddress("skolsynk", "(default)")),
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
        "SKOLSYNK_REQUIRE_BROWSER": "1",
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


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("FIRESTORE_EMULATOR_HOST", "firestore_emulator"),
        ("CLOUD_TASKS_EMULATOR_HOST", "tasks_emulator"),
    ],
)
def test_an_emulator_is_a_host_and_a_port(name: str, attribute: str) -> None:
    assert getattr(Settings.from_environ({name: "localhost:8085"}), attribute) == "localhost:8085"
    assert getattr(Settings.from_environ({name: ""}), attribute) is None
    assert refused({name: "http://localhost:8085"}) == f"{name} must be HOST:PORT"


def test_the_log_level_is_one_of_loggings() -> None:
    assert Settings.from_environ({"SKOLSYNK_LOG_LEVEL": "debug"}).log_level == logging.DEBUG
    assert "DEBUG, INFO" in refused({"SKOLSYNK_LOG_LEVEL": "loud"})


def test_tasks_are_local_or_cloud_tasks() -> None:
    assert Settings.from_environ({"SKOLSYNK_TASKS": "local"}).tasks == LocalTasks()
    assert Settings.from_environ(ELSEWHERE).tasks == CloudTasks("skolsynk", "europe-west1")


@pytest.mark.parametrize(
    "given",
    ["", "Local", "cloudtasks://", "cloudtasks://p", "cloudtasks://p/", "cloudtasks://p/l/q"],
)
def test_malformed_tasks_are_refused(given: str) -> None:
    assert refused({"SKOLSYNK_TASKS": given}).startswith("SKOLSYNK_TASKS ")


def test_an_address_for_tasks_is_https_or_on_this_machine() -> None:
    for url in ("https://x.se", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"):
        settings = Settings.from_environ({**ELSEWHERE, "SKOLSYNK_TASKS_URL": url + "/"})
        assert settings.tasks_url == url


@pytest.mark.parametrize(
    "given", ["", "x.se", "http://x.se", "http://localhost.x.se", "https://", "https://x.se?a=1"]
)
def test_another_address_for_tasks_is_refused(given: str) -> None:
    assert "SKOLSYNK_TASKS_URL" in refused({**ELSEWHERE, "SKOLSYNK_TASKS_URL": given})


@pytest.mark.parametrize("missing", ["SKOLSYNK_TASKS_URL", "SKOLSYNK_SERVICE_ACCOUNT"])
def test_cloud_tasks_outside_app_engine_must_find_back_and_be_known(missing: str) -> None:
    environ = {name: value for name, value in ELSEWHERE.items() if name != missing}
    assert refused(environ) == f"{missing} is needed with SKOLSYNK_TASKS=cloudtasks://…"


def test_app_engine_is_known_by_its_variables() -> None:
    settings = Settings.from_environ(APP_ENGINE)
    assert settings.on_app_engine
    assert settings.project == "skolsynk"
    assert settings.log_format == "json"
    assert not Settings.from_environ({"GAE_ENV": "localdev", "GAE_APPLICATION": "x"}).on_app_engine
    assert not Settings.from_environ({"GAE_ENV": "standard"}).on_app_engine


def test_on_app_engine_tasks_are_cloud_tasks_and_come_back_to_app_engine() -> None:
    assert "on App Engine" in refused({**APP_ENGINE, "SKOLSYNK_TASKS": "local"})
    assert "unset it" in refused({**APP_ENGINE, "SKOLSYNK_TASKS_URL": "https://x.se"})


@pytest.mark.parametrize(
    "given", ["", "skolsynk", "a@b", "a b@c.se", "serviceAccount:a@b.iam.gserviceaccount.com"]
)
def test_a_service_account_is_an_email_address(given: str) -> None:
    assert "SKOLSYNK_SERVICE_ACCOUNT" in refused({"SKOLSYNK_SERVICE_ACCOUNT": given})
    for account in ("skolsynk@p.iam.gserviceaccount.com", "p@appspot.gserviceaccount.com"):
        settings = Settings.from_environ({"SKOLSYNK_SERVICE_ACCOUNT": account})
        assert settings.service_account == account


@pytest.mark.parametrize("given", ["", "0", "25", "1.5", "-1", "two", "007"])
def test_the_schedule_is_whole_hours_up_to_a_day(given: str) -> None:
    assert "SKOLSYNK_SCHEDULE_HOURS" in refused({"SKOLSYNK_SCHEDULE_HOURS": given})
    assert Settings.from_environ({"SKOLSYNK_SCHEDULE_HOURS": "24"}).schedule_hours == 24


def test_the_log_format_is_text_or_json() -> None:
    assert Settings.from_environ({"SKOLSYNK_LOG_FORMAT": "json"}).log_format == "json"
    assert Settings.from_environ({**APP_ENGINE, "SKOLSYNK_LOG_FORMAT": "text"}).log_format == "text"
    assert (
        refused({"SKOLSYNK_LOG_FORMAT": "xml"}) == "SKOLSYNK_LOG_FORMAT must be one of text, json"
    )


def test_every_variable_has_its_place_in_the_table() -> None:
    names = [variable.name for variable in VARIABLES]
    assert len(set(names)) == len(names)
    assert all(variable.meaning for variable in VARIABLES)
    assert {n for n in names if n.startswith("SKOLSYNK_")} == set(KNOWN)


@pytest.mark.parametrize("variable", [v for v in VARIABLES if v.default], ids=lambda v: v.name)
def test_a_default_is_a_value_that_could_be_set(variable: Variable) -> None:
    variable.parse(str(variable.default))
