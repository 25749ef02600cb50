"""What is said of a vendor's refusals and trouble, and who can mend it."""

import pytest
from flask import Flask
from flask_babel import Babel, force_locale
from msgspec import structs

from addon.planning.result import FailedOperation
from addon.sync.report import ConnectionReport, nothing_done
from addon.web.presenters.vendor_errors import refusal_remedy, trouble_remedy, trouble_said


@pytest.fixture(autouse=True)
def swedish():
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context(), force_locale("sv"):
        yield


def failed(status=None, detail=None, **more):
    failure = FailedOperation("create", "User", "a", status, "")
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
        (failed(401), "godtar inte Skolsynks nyckel"),
        (failed(None, "the vendor does not accept our key (403)"), "godtar inte Skolsynks nyckel"),
        (failed(302), "adress stämmer inte"),
        (failed(404), "adress stämmer inte"),
        (failed(429), "ber Skolsynk att vänta"),
        (failed(503), "Felet är leverantörens"),
        (failed(None, "the vendor could not be reached"), "svarade inte som den ska"),
        (failed(None, "set SKOLSYNK_ALL_LIVE_KEY", configuration=True), "ställa in leverantören"),
    ],
)
def test_trouble_says_whose_it_is_and_what_to_do(part, said):
    assert said in trouble_remedy(part)


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("the vendor answered 503, again and again", "Leverantören svarade med felkoden 503."),
        ("the vendor answered 500", "Leverantören svarade med felkoden 500."),
        ("the vendor could not be reached, again and again", "Leverantören gick inte att nå."),
        ("the vendor did not answer in time", "Leverantören svarade inte i tid."),
        ("the vendor asks to be left alone for 900 s", "Leverantören bad Skolsynk att vänta."),
        ("ogiltig adress", ""),
        (None, ""),
    ],
)
def test_what_skolsynk_itself_says_happened_is_said_in_the_language_of_the_page(detail, said):
    assert trouble_said(detail) == said
