"""What most tests of pages begin with: an installation that people can sign in to."""

import pytest

from tests.support.site import Site


@pytest.fixture
def site(tmp_path):
    """Twelve pupils and four of the staff; Some takes only classes, and one for each person."""
    with Site(tmp_path) as site:
        yield site


@pytest.fixture
def client(site):
    """An administrator who has signed in."""
    return site.sign_in()
