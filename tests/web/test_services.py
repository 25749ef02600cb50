"""What the web application does by itself."""

import logging
from pathlib import Path

import pytest

from addon.settings import Settings, SqliteStore
from addon.web.services import House
from addon.web_settings import WebSettings


def house(folder: Path, register: str | None) -> House:
    return House(
        Settings(SqliteStore(folder / "skolsynk.db"), {}, web=WebSettings(register=register))
    )


def test_where_there_is_no_register_nothing_is_asked_for_and_nothing_is_complained_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        house(tmp_path, None).tidy()
    assert caplog.messages == []


def test_a_register_that_does_not_answer_is_no_more_than_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        house(tmp_path, "http://127.0.0.1:9").tidy()
    (line,) = caplog.messages
    assert line.startswith("the copy of the school unit register stays as it is: ")
