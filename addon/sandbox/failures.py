"""Failures injected into a server's responses, to test how its clients handle them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any, Literal

Kind = Literal["status", "drop", "truncate", "notJson", "hang", "expiredToken"]
KINDS: tuple[Kind, ...] = ("status", "drop", "truncate", "notJson", "hang", "expiredToken")


@dataclass
class InjectedFailure:
    """A failure of the requests whose path and query contain a text.

    `after` of them pass first, then `times` of them fail (None: all).

    status        an error response with `status`, `reason` and perhaps `retry_after` seconds;
                  its body is `body` if given, else that of the API
    drop          the connection is closed without a response
    truncate      the response ends in the middle
    notJson       200 with an HTML page
    hang          the correct response, `seconds` late
    expiredToken  a request with a pageToken is refused as invalid; others pass
    """

    path_contains: str = ""
    status: int = 503
    reason: str = "backendError"
    times: int | None = 1
    after: int = 0
    retry_after: int | None = None
    kind: Kind = "status"
    seconds: float = 0.0
    message: str = ""
    query_contains: str = ""
    body: bytes | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "InjectedFailure":
        """Return the failure whose fields are the object's keys; an unknown key is an error."""
        if unknown := set(given) - {field.name for field in fields(cls)}:
            raise ValueError(f"a failure has no {', '.join(sorted(unknown))}")
        return cls(**given)

    def applies_to(self, path: str, query: Mapping[str, str]) -> bool:
        """Count this request, and return whether it fails."""
        if self.path_contains not in path or not self._in_query(query) or self.times == 0:
            return False
        if self.kind == "expiredToken" and "pageToken" not in query:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def _in_query(self, query: Mapping[str, str]) -> bool:
        return self.query_contains in "&".join(f"{key}={value}" for key, value in query.items())


class Failures:
    """The failures to inject into a server; the first that applies to a request is used."""

    def __init__(self, failures: Iterable[InjectedFailure] = ()) -> None:
        self._lock = Lock()
        self._failures = list(failures)

    def add(self, failure: InjectedFailure) -> None:
        """Add a failure."""
        with self._lock:
            self._failures.append(failure)

    def clear(self) -> None:
        """Remove all failures."""
        with self._lock:
            self._failures.clear()

    def next_for(self, path: str, query: Mapping[str, str]) -> InjectedFailure | None:
        """Return the failure of this request, or None."""
        with self._lock:
            return next((each for each in self._failures if each.applies_to(path, query)), None)
