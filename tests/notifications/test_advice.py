"""What a page says of a message that did not go."""

from typing import get_args

import pytest
from flask import Flask
from flask_babel import Babel

from addon.notifications.advice import remedy
from addon.notifications.mailer import Kind, MailError


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_failure_has_words_for_the_page(kind: Kind) -> None:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        said = remedy(
            MailError(kind, "the mail server 127.0.0.1:25 is technical"),
            "Skolsynks support (hjalp@skolsynk.example)",
        )
    assert said.startswith("E-post")
    assert said.endswith(".")
    assert "%" not in said
    assert kind == "recipients" or "Skolsynks support (hjalp@skolsynk.example)" in said
    assert "127.0.0.1" not in said
