"""Remove people with protected identity from the groups at a vendor while a plan is held.

A held plan sends nothing, so the groups cannot be sent as they are in the roster. They are sent
as the vendor has them, without the protected people.
"""

from collections.abc import Iterator, Set

import msgspec
from msgspec import Struct

from addon.delivery.scim_client import ScimClient
from addon.planning.ledger import Ledger
from addon.planning.plan import Operation
from addon.ss12000 import resources as wire
from addon.ss12000.resources import SCHEMAS, ResourceType, content_hash, encode, reference

GROUPS: tuple[ResourceType, ...] = ("StudentGroup", "Activity")


class _Value(Struct):
    value: str


class _HeldGroup(Struct, rename="camel"):
    """A group as a vendor returns it."""

    external_id: str
    display_name: str
    owner: _Value
    student_group_type: str | None = None
    school_type: str | None = None
    student_memberships: list[_Value] = []
    groups: list[_Value] = []
    teachers: list[_Value] = []


class _GroupPage(Struct):
    resources: list[msgspec.Raw] = msgspec.field(name="Resources", default_factory=list)


async def updates_without(gone: Set[str], scim: ScimClient, ledger: Ledger) -> list[Operation]:
    """Return the operations that remove `gone` (externalIds) from the groups at the vendor.

    There are none for a type that the vendor cannot list. Raises RetriesExhausted and
    DeliveryStopped.
    """
    operations: list[Operation] = []
    for resource_type in GROUPS:
        found: list[Operation] = []

        def keep(
            body: bytes, kind: ResourceType = resource_type, found: list[Operation] = found
        ) -> None:
            found.extend(_updates(kind, body, gone, ledger))

        await scim.list(resource_type, keep)
        operations += found
    return operations


def _updates(
    resource_type: ResourceType, page: bytes, gone: Set[str], ledger: Ledger
) -> Iterator[Operation]:
    for raw in _resources(page):
        try:
            held = msgspec.json.decode(raw, type=_HeldGroup)
        except msgspec.DecodeError:
            continue  # not in the form that we send, so it cannot be sent back
        entry = ledger.entries[resource_type].get(held.external_id)
        members = {m.value for m in (*held.student_memberships, *held.teachers)}
        if entry is None or gone.isdisjoint(members):
            continue
        body = encode(_said(resource_type, held, gone))
        yield Operation(
            kind="create" if entry.is_pending else "update",
            resource_type=resource_type,
            external_id=held.external_id,
            vendor_id=entry.vendor_id,
            body=body,
            content=content_hash(body),
            ask=entry.is_pending,
            doubted=entry.is_lost,
            previous=entry.content,
        )


def _resources(page: bytes) -> list[msgspec.Raw]:
    try:
        found = msgspec.json.decode(page, type=_GroupPage | list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    return found if isinstance(found, list) else found.resources


def _said(resource_type: ResourceType, held: _HeldGroup, gone: Set[str]) -> wire.Resource:
    owner = reference("SchoolUnit", held.owner.value)
    if resource_type == "StudentGroup":
        left = (m.value for m in held.student_memberships if m.value not in gone)
        return wire.StudentGroup(
            schemas=SCHEMAS[resource_type],
            external_id=held.external_id,
            display_name=held.display_name,
            owner=owner,
            student_group_type=held.student_group_type or "Klass",
            school_type=held.school_type,
            student_memberships=tuple(reference("User", m) for m in left),
        )
    teachers = (t.value for t in held.teachers if t.value not in gone)
    return wire.Activity(
        schemas=SCHEMAS[resource_type],
        external_id=held.external_id,
        display_name=held.display_name,
        owner=owner,
        groups=tuple(reference("StudentGroup", g.value) for g in held.groups),
        teachers=tuple(reference("Employment", t) for t in teachers),
    )
