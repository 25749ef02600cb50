"""The town's clock: late, set by hand, and moved on by what takes time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class TownClock:
    """Goes, `ahead` of the real time (mostly behind it), until it is `set`; then it stands still.

    Seconds since 1970 UTC. A clock that stands is moved on by `pass_by` alone.
    """

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead
        self._stands: float | None = None

    def __call__(self) -> float:
        return time.time() + self.ahead if self._stands is None else self._stands

    def set(self, at: float) -> None:
        """Stand at a time."""
        self._stands = at

    def pass_by(self, seconds: float) -> None:
        """Has so much time go by at once."""
        if self._stands is None:
            self.ahead += seconds
        else:
            self._stands += seconds

    def works(self, seconds: float) -> None:
        """Has something have taken this long, if the clock does not go by itself."""
        if self._stands is not None:
            self._stands += seconds

    @contextmanager
    def really(self) -> Iterator[None]:
        """Has it show the real time."""
        kept = self.ahead, self._stands
        self.ahead, self._stands = 0.0, None
        try:
            yield
        finally:
            self.ahead, self._stands = kept
