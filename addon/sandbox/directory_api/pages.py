"""Pagination, with tokens that are valid only for the query they were given for."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b

from addon.sandbox.directory_api.errors import invalid
from addon.sandbox.google_objects import JSON, etag

_KEPT = 256
_NOT_OF_THE_QUESTION = {"pageToken", "maxResults", "fields", "alt", "key", "prettyPrint"}


class Pages:
    """Cached result lists, which are returned a page at a time.

    A client that began before a change continues in the list as it was then, so that a change
    between two pages makes nobody missing from its result.
    """

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[str, int], list[JSON]] = OrderedDict()

    def page(
        self,
        question: str,
        parameters: Mapping[str, str],
        size: int,
        version: int,
        prepare: Callable[[], list[JSON]],
    ) -> tuple[list[JSON], str | None]:
        """Return one page, and the token of the next unless this is the last.

        `question` is the path; `prepare` makes the whole list when it is not cached.
        """
        digest = _digest(question, parameters)
        start = 0
        if token := parameters.get("pageToken"):
            version, start = _read_token(token, digest)
        found = self._list((digest, version), prepare)
        until = start + size
        more = _make_token(digest, version, until) if until < len(found) else None
        return found[start:until], more

    def _list(self, key: tuple[str, int], prepare: Callable[[], list[JSON]]) -> list[JSON]:
        if key not in self._lists:
            self._lists[key] = prepare()
            if len(self._lists) > _KEPT:
                self._lists.popitem(last=False)
        self._lists.move_to_end(key)
        return self._lists[key]


def listing(kind: str, key: str, items: list[JSON], token: str | None) -> JSON:
    """Return a page as Google shows it: an empty one has no list, the last one no token."""
    answer: JSON = {"kind": f"admin#directory#{kind}"}
    answer["etag"] = etag(kind, *(item.get("etag") for item in items))
    if items:
        answer[key] = items
    if token:
        answer["nextPageToken"] = token
    return answer


def _digest(question: str, parameters: Mapping[str, str]) -> str:
    asked = sorted(item for item in parameters.items() if item[0] not in _NOT_OF_THE_QUESTION)
    return blake2b(repr((question, asked)).encode(), digest_size=12).hexdigest()


def _make_token(digest: str, version: int, start: int) -> str:
    return urlsafe_b64encode(f"{digest}:{version}:{start}".encode()).decode()


def _read_token(token: str, digest: str) -> tuple[int, int]:
    try:
        given, version, start = urlsafe_b64decode(token).decode().split(":")
        if given == digest:
            return int(version), int(start)
    except ValueError:
        pass
    raise invalid("pageToken")
