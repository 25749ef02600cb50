"""SS 12000:2018 resource types as they are sent; the only definition of the wire format.

Source: docs/wire-format.md (SS 12000:2018 over SCIM 2.0, the EGIL profile). Fields are
encoded in the order in which they are declared, so that equal resources have equal hashes.
"""

import re
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
"""The endpoint of each type, in the order in which resources are created and updated."""

TYPES: tuple[ResourceType, ...] = tuple(ENDPOINTS)
MEDIA_TYPE = "application/scim+json"

_SCHOOL = "urn:scim:schemas:extension:sis:school:1.0:"
_CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
SCHOOL_USER = _SCHOOL + "User"
_CLOUD_USER = "urn:scim:schemas:extension:skolsynk:1.0:User"


class WireObject(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """Base of all JSON objects in this module: fields in order, empty ones omitted."""


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
    """Encode the resource as JSON; equal values give equal bytes."""
    return _encoder.encode(resource)


_VALUE = re.compile(rb'"value":"([^"]*)"')


def references(body: bytes) -> frozenset[str]:
    """Return the externalIds that an encoded group or activity refers to."""
    return frozenset(each.decode() for each in _VALUE.findall(body))


HASH_LENGTH = 16
"""The number of bytes of a content hash."""


def content_hash(body: bytes) -> bytes:
    """The hash by which changes to a resource are detected."""
    return blake2b(body, digest_size=HASH_LENGTH).digest()
