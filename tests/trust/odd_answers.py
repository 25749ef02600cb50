"""Answers of the road, or of a vendor that is not itself, in place of the vendor's own.

They befall any request: with its effect or without it, once or for all tries of a run.
"""

import json
import threading
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from hypothesis import strategies as st

from tests.support.egil_faults import Fault, Incoming
from tests.support.egil_server import EgilServer
from tests.support.egil_state import MESSAGES, SCIM

HTML = {"Content-Type": "text/html"}
PAGE = b"<!doctype html><title>Under arbete</title>"
JSON = {"Content-Type": SCIM}


def _error(status: int) -> bytes:
    return json.dumps({"schemas": [f"{MESSAGES}:Error"], "status": str(status)}).encode()


BEFORE = {
    "404 page": Fault(status=404, headers=HTML, body=PAGE),
    "404 error": Fault(status=404, headers=JSON, body=_error(404)),
    "403 page": Fault(status=403, headers=HTML, body=PAGE),
    "403 error": Fault(status=403, headers=JSON, body=_error(403)),
    "200 page": Fault(status=200, headers=HTML, body=PAGE),
    "200 error": Fault(status=200, headers=JSON, body=_error(500)),
    "500": Fault(status=500),
    "dropped": Fault(drop=True),
}
AFTER = {
    "404 page after": Fault(status=404, headers=HTML, body=PAGE, when="after"),
    "403 page after": Fault(status=403, headers=HTML, body=PAGE, when="after"),
    "200 page after": Fault(status=200, headers=HTML, body=PAGE, when="after"),
    "200 error after": Fault(status=200, headers=JSON, body=_error(500), when="after"),
    "500 after": Fault(status=500, when="after"),
    "502 after": Fault(status=502, headers=HTML, body=PAGE, when="after"),
    "504 after": Fault(status=504, headers=HTML, body=PAGE, when="after"),
    "dropped after": Fault(drop=True, when="after"),
}
FAULTS = {**BEFORE, **AFTER}

LISTS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "empty": lambda shown: [],
    "twice": lambda shown: shown + shown,
    "cut": lambda shown: shown[: len(shown) // 2],
}
"""What a list or filter shows in place of what it would."""

UNFILTERED = "unfiltered"


class OddAnswer(NamedTuple):
    """What befalls requests `about` something, past the first `skip`, so many `times`."""

    about: str
    skip: int
    times: int
    what: str


class OddAnswers:
    """The vendor's plan of faults for one run; `met` are the externalIds of what met one."""

    def __init__(
        self,
        server: EgilServer,
        answers: tuple[OddAnswer, ...],
        watch: Callable[[Incoming], None] = lambda request: None,
    ) -> None:
        self._server = server
        self._left = [[answer, answer.skip, answer.times] for answer in answers]
        self._watch = watch
        self._lock = threading.Lock()
        self.met: set[str] = set()

    def __call__(self, request: Incoming) -> Fault | None:
        self._watch(request)
        with self._lock:
            for each in self._left:
                answer: OddAnswer = each[0]
                if answer.about not in _kinds(request):
                    continue
                if each[1] > 0:
                    each[1] -= 1
                elif each[2] > 0:
                    each[2] -= 1
                    self.met.add(str(request.external_id))
                    return self._fault(answer.what, request)
        return None

    def _fault(self, what: str, request: Incoming) -> Fault | None:
        if what in FAULTS:
            return FAULTS[what]
        query = dict(parse_qsl(urlsplit(request.path).query))
        if what == UNFILTERED:
            query = {}
        answer = self._server._state.answer("GET", request.endpoint, None, query, None)
        if answer.status != 200:
            return None
        body = json.loads(answer.body)
        if what in LISTS:
            body["Resources"] = LISTS[what](body["Resources"])
            body["totalResults"] = body["itemsPerPage"] = len(body["Resources"])
        return Fault(status=200, headers=JSON, body=json.dumps(body).encode())


def _kinds(request: Incoming) -> tuple[str, ...]:
    if request.method != "GET":
        return (request.method, "write", "any")
    _, _, resource_id = request.path.partition("?")[0].strip("/").partition("/")
    if resource_id:
        return ("get", "any")
    return ("filter" if "?filter=" in request.path else "list", "question", "any")


_ROAD = tuple(FAULTS)
_QUESTIONS = (*BEFORE, *LISTS, UNFILTERED)
odd_answers = st.one_of(
    st.builds(
        OddAnswer,
        st.sampled_from(("POST", "PUT", "DELETE", "write", "any")),
        st.integers(0, 9),
        st.integers(1, 6),
        st.sampled_from(_ROAD),
    ),
    st.builds(
        OddAnswer,
        st.sampled_from(("filter", "list", "question", "get")),
        st.integers(0, 5),
        st.integers(1, 6),
        st.sampled_from(_QUESTIONS),
    ),
)
