"""What the web application does by itself."""

import logging
from pathlib import Path

import pytest

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
