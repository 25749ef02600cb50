"""Every kind of finding is said in words that can be forwarded to a school."""

import re

import pytest
from flask import Flask
from flask_babel import Babel

from addon.roster.findings import MESSAGES, finding
from addon.sync.known_findings import MARKABLE
from addon.web.admin_console import group_page, user_page
from addon.web.finding_rules import IN_ORG_UNITS, RULES
from addon.web.finding_texts import TEXTS, finding_label
from addon.web.presenters.findings_by_school import QUESTIONS


@pytest.fixture(autouse=True)
def swedish():
    app = Flask("words")
    Babel(app, default_locale="sv")
    with app.test_request_context():
        yield


def made(code):
    """A finding of a kind, with every word of its message."""
    words = re.findall(r"\{(\w+)\}", MESSAGES[code][1])
    values = {word: f"<{word}>" for word in words if word != "subject"}
    return finding(code, "<subject>", **values)


def test_every_kind_has_words_and_there_are_no_words_of_others():
    assert set(TEXTS) == set(MESSAGES)


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_a_kind_has_a_title_what_it_means_and_what_to_do(code):
    words = finding_label(made(code))
    assert words.title
    assert words.title[0].isupper()
    assert words.summary.endswith(".")
    assert words.meaning.endswith(".")
    assert words.steps
    assert all(step.endswith(".") for step in words.steps)


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_no_word_that_is_reported_is_missing_in_the_data(code):
    assert "–" not in finding_label(made(code)).meaning


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_a_kind_without_a_finding_is_told_by_its_summary(code):
    words = finding_label(None, code)
    assert words.meaning == words.summary
    assert "%(" not in words.meaning


def test_a_sign_of_percent_in_the_data_is_only_a_sign():
    words = finding_label(finding("org-unit-missing", "/100 %(x)s"))
    assert words.meaning.startswith("/100 %(x)s finns inte.")


def test_a_word_that_is_not_there_is_left_out():
    words = finding_label(
        finding("duplicate-class-name", "1", count="2", unit="1", unitName="N", name="7A")
    )
    assert words.meaning == "2 klasser på N heter 7A."


def test_a_kind_from_another_version_is_reported_as_it_tells_itself():
    assert finding_label(None, "brand-new").title == "brand-new"


def test_every_finding_is_mended_somewhere() -> None:
    of_accounts = {code for code in MESSAGES if code.startswith(("missing-", "name-", "address-"))}
    assert RULES.keys() <= MESSAGES.keys()
    assert MESSAGES.keys() >= IN_ORG_UNITS
    assert MESSAGES.keys() - RULES.keys() == of_accounts | {"not-compared"}


def test_a_school_is_asked_only_about_what_is_told_apart_when_it_is_known() -> None:
    assert QUESTIONS.keys() <= MARKABLE


def test_addresses_in_the_admin_console_are_by_id_and_quoted() -> None:
    assert user_page("117") == "https://admin.google.com/ac/users/117"
    assert group_page("a/../b@x") == "https://admin.google.com/ac/groups/a%2F..%2Fb%40x"
