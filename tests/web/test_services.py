"""What the web application does by itself."""

import logging
from pathlib import Path

import pytest

from addon import EXTENSION_KEY, create_app
from addon.settings import Settings, SqliteAddress, WebSettings
from addon.web.services import Services


def services(folder: Path, register: str | None) -> Services:
    return Services(
        Settings(SqliteAddress(folder / "skolsynk.db"), {}, web=WebSettings(register=register))
    )


def test_where_there_is_no_register_nothing_is_asked_for_and_nothing_is_complained_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        services(tmp_path, None).maintain()
    assert caplog.messages == []


def test_a_register_that_does_not_answer_is_no_more_than_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        services(tmp_path, "http://127.0.0.1:9").maintain()
    (line,) = caplog.messages
    assert line.startswith("the copy of the school unit register stays as it is: ")


@pytest.mark.parametrize("named", [True, False])
def test_at_start_the_log_says_what_is_not_set_of_the_operator(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, named: bool
) -> None:
    """Also that it starts and is ready all the same."""
    operator, contact = ("Storviks kommun", "it@storvik.example") if named else (None, None)
    web = WebSettings(register=None, operator=operator, contact=contact)
    app = create_app(Settings(SqliteAddress(tmp_path / "skolsynk.db"), {}, web=web))
    found: Services = app.extensions[EXTENSION_KEY]
    found.start(app.jinja_env)
    try:
        assert [line.partition(":")[0] for line in caplog.messages] == (
            [] if named else ["SKOLSYNK_OPERATOR is not set", "SKOLSYNK_CONTACT is not set"]
        )
        assert app.test_client().get("/readyz").status_code == 200
    finally:
        found.stop()
