"""What the tests of runs share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.odd_school import OddSchool, odd_school


@pytest.fixture
def school(tmp_path: Path) -> Iterator[OddSchool]:
    """A school whose directory may answer oddly, and of which the vendor has everybody."""
    with odd_school(tmp_path) as found:
        yield found
