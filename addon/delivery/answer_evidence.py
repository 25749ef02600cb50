"""Decide what a vendor's answers prove: success, absence, or trouble on the way. Pure.

A status is not an answer: a gateway answers 404 during a deployment, and a maintenance page comes
with 200. Source: docs/wire-format.md, "strict in what you believe".
"""

from codecs import BOM_UTF8
from typing import Any, Literal

import msgspec
from msgspec import Struct

from addon.delivery.response import VendorResponse

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:error"
GONE = (404, 410)
KEY_ACCEPTED = (400, 409, 413, 422)
"""The statuses of a refusal that show that the vendor has looked at the content."""
SEVERAL, MANY = 3, 20
"""How many resources, of several types or of one, answered 403 mean that the key is refused."""

Absence = Literal["absent", "question", "unknown"]
"""What is known of a resource whose id was answered 404 or 410.

`absent`: the vendor does not have it. `question`: nothing contradicts that, but what said so has
not found what is known to be there either; it is asked again by the next run. `unknown`: nothing
that could tell was answered.
"""


class CollectionEvidence(Struct):
    """What a vendor's answers in this delivery have shown of one type.

    `accepted` is whether a write was carried out. `id_answered` is whether an id of the ledger was
    answered, `filter_found` whether a filter has found what is known to be there, and `list_found`
    the same of the list; each is None if it has not been tried. `our_id_answered` is whether an
    externalId of ours was answered where the vendor has told no id.
    """

    accepted: bool = False
    id_answered: bool | None = None
    our_id_answered: bool = False
    filter_found: bool | None = None
    list_found: bool | None = None

    @property
    def can_tell(self) -> bool:
        """Whether a resource that neither answers nor is found is certainly not there."""
        return bool(self.id_answered or self.filter_found or self.list_found)

    def note_id(self, told: bool) -> None:
        """Note that a resource answered under the id that the vendor told, or else under ours."""
        self.id_answered = True
        self.our_id_answered = self.our_id_answered or not told


class KeyEvidence:
    """Whether a vendor that answers 403 refuses our key, or only some resources.

    A write that was carried out, or refused for its content, shows that the key is accepted.
    """

    def __init__(self) -> None:
        self.accepted = False
        self._forbidden: dict[str, set[str]] = {}

    def add(self, resource_type: str, external_id: str, status: int) -> None:
        """Add the status of the answer to a write."""
        if status in KEY_ACCEPTED or 200 <= status < 300:
            self.accepted = True
        elif status == 403:
            self._forbidden.setdefault(resource_type, set()).add(external_id)

    @property
    def is_in_doubt(self) -> bool:
        """Whether nothing but 403 was answered."""
        return bool(self._forbidden) and not self.accepted

    @property
    def is_refused(self) -> bool:
        """Whether 403 was answered to so much that it is the key."""
        count = sum(map(len, self._forbidden.values()))
        types = len(self._forbidden)
        return not self.accepted and (count >= MANY if types == 1 else count >= SEVERAL)


def judge_absence(
    evidence: CollectionEvidence, asked: bool, comparable: bool, refuses_copies: bool = False
) -> Absence:
    """Return what a 404 or 410 to an id proves when the vendor did not find the resource.

    `asked` is whether a filter or list was answered at all, `comparable` whether anything else is
    known to be there by which a filter or list could be tried. `refuses_copies` is whether the
    resource is to be created at a vendor that has our externalId as its id: it cannot be doubled.
    """
    if evidence.can_tell:
        return "absent"
    if not asked:
        if evidence.accepted:
            return "absent"
        return "question" if refuses_copies and not comparable else "unknown"
    return "question" if comparable else "absent"


def is_of_scim_server(answer: VendorResponse) -> bool:
    """Whether a response can be a SCIM server's, of whatever status.

    A web page is not one. An empty body, text or JSON that is not valid can be one; so can JSON
    that is called text/html, as some servers do.
    """
    body = answer.body.removeprefix(BOM_UTF8).lstrip()
    if body.startswith(b"<"):
        return False
    return not body or answer.media_type != "text/html" or body.startswith((b"{", b"["))


def is_success(answer: VendorResponse) -> bool:
    """Whether a 2xx counts: neither a web page nor a SCIM Error object."""
    return answer.done and is_of_scim_server(answer) and not is_scim_error(answer)


class _ErrorFields(Struct):
    schemas: Any = None
    status: Any = None


_ERROR_FIELDS = msgspec.json.Decoder(_ErrorFields)


def is_scim_error(answer: VendorResponse) -> bool:
    """Whether the body is a SCIM Error object, which a gateway does not write."""
    try:
        found = _ERROR_FIELDS.decode(answer.body.removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    schemas = found.schemas if isinstance(found.schemas, list) else [found.schemas]
    if any(isinstance(each, str) and each.lower() == ERROR_SCHEMA for each in schemas):
        return True
    try:
        return msgspec.convert(found.status, int, strict=False) >= 400
    except msgspec.ValidationError:
        return False
