"""What is said of a vendor's refusals and trouble, and who can correct it."""

from typing import get_args

import pytest
from flask import Flask
from flask_babel import Babel, force_locale
from msgspec import UNSET, structs

from addon.directory.errors import DirectoryProblem
from addon.notifications.advice import remedy
from addon.notifications.mailer import Kind, MailError
from addon.planning.result import FailedOperation, ProblemCode, VendorProblem
from addon.sync.report import ConnectionReport, RunReport, nothing_done
from addon.web.presenters.directory_problems import PROBLEMS as DIRECTORY_PROBLEMS
from addon.web.presenters.directory_problems import directory_words
from addon.web.presenters.vendor_errors import (
    PROBLEMS,
    STEPS,
    problem_text,
    refusal_remedy,
    trouble_remedy,
)


@pytest.fixture(autouse=True)
def swedish():
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context(), force_locale("sv"):
        yield


def failed(status=None, detail=None, problem=UNSET, **more):
    failure = FailedOperation("create", "User", "a", status, "")
    more |= {"problem": problem}
    report = ConnectionReport("all", "live", "failed", nothing_done(), (failure,), detail=detail)
    return structs.replace(report, **more)


@pytest.mark.parametrize(
    ("resource_type", "status", "detail", "said"),
    [
        ("User", 409, "uniqueness", "ofta ett konto som lagts upp för hand"),
        ("User", 400, "Invalid value for emails", "Rätta e-postadressen i Google Workspace"),
        ("User", 400, "ogiltig adress", "Rätta e-postadressen i Google Workspace"),
        ("User", 400, "name.familyName is required", "Rätta namnet i Google Workspace"),
        ("User", 400, "", "skicka det till leverantörens support"),
        ("StudentGroup", 400, "displayName", "klassens eller gruppens namn"),
    ],
)
def test_a_refusal_says_what_to_do(resource_type, status, detail, said):
    assert said in refusal_remedy(resource_type, status, detail)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (failed(401), "godtog inte Skolsynks nyckel. Skolsynks support behöver be"),
        (failed(problem=VendorProblem("key-refused", 403)), "nyckel. Skolsynks support behöver be"),
        (failed(302), "hänvisar någon annanstans. Skolsynks support behöver rätta adressen"),
        (failed(404), "Skolsynks support behöver rätta adressen"),
        (failed(429), "bad Skolsynk att vänta. Skolsynk fortsätter om en stund"),
        (failed(503), "felkoden 503. Felet är leverantörens"),
        (failed(), "svarade inte som den ska. Nästa körning försöker igen"),
        (failed(problem=VendorProblem("unreachable")), "gick inte att nå. Nästa körning"),
        (failed(None, "set SKOLSYNK_ALL_LIVE_KEY", configuration=True), "göra klart anslutningen"),
    ],
)
def test_trouble_says_whose_it_is_and_what_to_do(part, said):
    assert said in trouble_remedy(part, "Skolsynks support")


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (VendorProblem("status", 503), "Leverantören svarade med felkoden 503."),
        (VendorProblem("unreachable"), "Leverantören gick inte att nå."),
        (VendorProblem("timeout"), "Leverantören svarade inte i tid."),
        (VendorProblem("left-alone", 429), "Leverantören bad Skolsynk att vänta."),
        (VendorProblem("time-spent"), "Tiden för körningen tog slut."),
        (VendorProblem("program"), "Skolsynk råkade ut för ett fel. Felet är vårt,"),
        (UNSET, ""),
    ],
)
def test_what_skolsynk_itself_knows_is_said_in_the_language_of_the_page(problem, said):
    assert problem_text(failed(problem=problem)).startswith(said)


def test_every_problem_has_its_words_and_its_next_step():
    codes = set(get_args(ProblemCode))
    assert codes == PROBLEMS.keys() == STEPS.keys()
    for code in codes:
        part = failed(problem=VendorProblem(code, 503), detail="the technical text")
        assert problem_text(part)
        said = trouble_remedy(part, "Skolsynks support")
        assert said.startswith(problem_text(part) if code != "status" else "Leverantören")
        assert said.count(".") >= 2
        assert "technical" not in said


def test_every_reason_why_google_was_not_read_has_its_words_and_its_next_step():
    assert DIRECTORY_PROBLEMS.keys() == set(get_args(DirectoryProblem))
    for code in DIRECTORY_PROBLEMS:
        found = directory_words(code, "Skolsynks support")
        assert found.what
        assert found.step or found.where
    assert directory_words("of a later version", "Skolsynks support").step


def test_every_reason_why_a_message_did_not_go_has_its_words():
    for kind in get_args(Kind):
        assert remedy(MailError(kind, "the technical text"), "Skolsynks support").count(".") >= 2


def test_a_problem_is_kept_with_the_record_and_left_out_of_what_is_printed():
    problem = VendorProblem("status", 503)
    failure = FailedOperation("create", "User", "a", 503, "", problem=problem)
    part = ConnectionReport("all", "live", "failed", failures=(failure,), problem=problem)
    run = RunReport("C1", "R1", None, None, (), (part,))
    assert b"problem" in run.record()
    assert b"problem" not in run.json()
