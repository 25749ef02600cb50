"""What most tests of pages begin with: a small school with the application."""

import pytest

from tests.support.small_school import small_school_pages


@pytest.fixture
def world(tmp_path):
    """Twelve pupils and four of the staff; Some takes only classes, and one for each person."""
    with small_school_pages(tmp_path) as world:
        yield world


@pytest.fixture
def client(world):
    """An administrator who has signed in."""
    return world.sign_in()
