"""SS 12000:2018 resource types as they stand on the wire, and nowhere else.

Source: docs/wire-format.md (SS 12000:2018 over SCIM 2.0, the EGIL profile). Field order is
the order of the bytes, which is what makes the same resource hash the same.
"""

from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec import Struct, field

ResourceType = Literal[
    "Organisation",
    "SchoolUnitGroup",
    "SchoolUnit",
    "User",
    "Employment",
    "StudentGroup",
    "Activity",
]

ENDPOINTS: dict[ResourceType, str] = {
    "Organisation": "Organisations",
    "SchoolUnitGroup": "SchoolUnitGroups",
    "SchoolUnit": "SchoolUnits",
    "User": "Users",
    "Employment": "Employments",
    "StudentGroup": "StudentGroups",
    "Activity": "Activities",
}
"""The endpoint of each type, in the order of creates and updates."""

TYPES: tuple[ResourceType, ...] = tuple(ENDPOINTS)
MEDIA_TYPE = "application/scim+json"

_SCHOOL = "urn:scim:schemas:extension:sis:school:1.0:"
_CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
SCHOOL_USER = _SCHOOL + "User"
_CLOUD_USER = "urn:scim:schemas:extension:skolsynk:1.0:User"


class WireObject(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """What every JSON object here has in common: absent when empty, in field order."""


class Reference(WireObject, frozen=True):
    value: str
    ref: str = field(name="$ref")


def reference(resource_type: ResourceType, external_id: str) -> Reference:
    """A reference to another resource, by its externalId."""
    return Reference(value=external_id, ref=f"{ENDPOINTS[resource_type]}/{external_id}")


class Resource(WireObject, frozen=True):
    schemas: tuple[str, ...]
    external_id: str


class Organisation(Resource, frozen=True):
    display_name: str


class SchoolUnit(Resource, frozen=True):
    display_name: str
    school_unit_code: str
    organisation: Reference | None = None
    school_types: tuple[str, ...] = ()
    municipality_code: str | None = None


class Name(WireObject, frozen=True):
    family_name: str
    given_name: str


class Email(WireObject, frozen=True):
    value: str
    type: str | None = None


class Enrolment(WireObject, frozen=True):
    value: str
    ref: str = field(name="$ref")
    school_year: int | None = None
    school_type: str | None = None


class SchoolUser(WireObject, frozen=True):
    enrolments: tuple[Enrolment, ...] = ()


class CloudUser(WireObject, frozen=True):
    provider: str
    provider_user_id: str


class User(Resource, frozen=True):
    user_name: str
    display_name: str
    name: Name
    emails: tuple[Email, ...] = ()
    school: SchoolUser | None = field(name=SCHOOL_USER, default=None)
    cloud: CloudUser | None = field(name=_CLOUD_USER, default=None)


class Employment(Resource, frozen=True):
    employed_at: Reference
    user: Reference
    employment_role: str


class StudentGroup(Resource, frozen=True):
    display_name: str
    owner: Reference
    student_group_type: str
    school_type: str | None = None
    student_memberships: tuple[Reference, ...] = ()


class Activity(Resource, frozen=True):
    display_name: str
    owner: Reference
    groups: tuple[Reference, ...]
    teachers: tuple[Reference, ...] = ()


SCHEMAS: dict[ResourceType, tuple[str, ...]] = {
    name: (_CORE_USER,) if name == "User" else (_SCHOOL + name,) for name in TYPES
}


def user_schemas(user_is_enrolled: bool, has_cloud_id: bool) -> tuple[str, ...]:
    """The schemas of a User: the core one and the extensions that it uses."""
    return (
        _CORE_USER,
        *((SCHOOL_USER,) if user_is_enrolled else ()),
        *((_CLOUD_USER,) if has_cloud_id else ()),
    )


_encoder = msgspec.json.Encoder()


def encode(resource: Resource) -> bytes:
    """The resource as JSON: the same value always gives the same bytes."""
    return _encoder.encode(resource)


def content_hash(body: bytes) -> bytes:
    """16 bytes that tell whether a resource has changed."""
    return blake2b(body, digest_size=16).digest()
