"""Remove people with protected identity from the groups at a vendor that a plan does not write.

A plan that is held sends no group, and others leave out those that wait for evidence, so these
cannot be sent as they are in the roster. They are sent as the vendor has them, without the
protected people.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator, Set
from contextlib import suppress

import msgspec
from msgspec import Struct, structs

from addon.delivery.known_resources import see_all
from addon.delivery.scim_client import ScimClient
from addon.planning.ledger import Ledger, LedgerEntry
from addon.planning.plan import Operation
from addon.ss12000 import resources as wire
from addon.ss12000.resources import SCHEMAS, ResourceType, content_hash, encode, reference

GROUPS: tuple[ResourceType, ...] = ("StudentGroup", "Activity")


class _Value(Struct):
    value: str


def _in_lower_case(listed: list[_Value] | None) -> list[_Value]:
    return [_Value(each.value.lower()) for each in listed or ()]


class _HeldGroup(Struct, rename="camel"):
    """A group as a vendor returns it."""

    external_id: str
    display_name: str
    owner: _Value
    student_group_type: str | None = None
    school_type: str | None = None
    student_memberships: list[_Value] | None = None
    groups: list[_Value] | None = None
    teachers: list[_Value] | None = None

    @property
    def members(self) -> set[str]:
        """The externalIds of its students, and of the employments of its teachers."""
        return {each.value for each in (*(self.student_memberships or ()), *(self.teachers or ()))}

    def in_lower_case(self) -> "_HeldGroup":
        """Return it with externalIds as we make them; some vendors return them in upper case."""
        return structs.replace(
            self,
            external_id=self.external_id.lower(),
            student_memberships=_in_lower_case(self.student_memberships),
            groups=_in_lower_case(self.groups),
            teachers=_in_lower_case(self.teachers),
        )


class _GroupPage(Struct):
    resources: list[msgspec.Raw] = msgspec.field(name="Resources", default_factory=list)
    small_resources: list[msgspec.Raw] = msgspec.field(name="resources", default_factory=list)


class GroupUpdates(Struct, frozen=True):
    """The `operations` that remove people from groups at a vendor.

    `unseen` are externalIds of groups that the vendor has not shown. `can_list` is whether it
    lists all types of groups.
    """

    operations: tuple[Operation, ...]
    unseen: frozenset[str] = frozenset()
    can_list: bool = True


async def updates_without(
    gone: Set[str], scim: ScimClient, ledger: Ledger, current: Set[str], now: float
) -> GroupUpdates:
    """Return the operations that remove `gone` (externalIds) from the groups of the ledger.

    `current` are those that are known to be without them. Nothing is asked of a type of which
    there is no other group. Raises RetriesExhausted and DeliveryStopped.
    """
    operations: list[Operation] = []
    unseen: set[str] = set()
    can_list = True
    for resource_type in GROUPS:
        entries = {
            external_id: entry
            for external_id, entry in ledger.entries[resource_type].items()
            if external_id not in current and not entry.is_removed
        }
        seen: dict[str, _HeldGroup] = {}

        def keep(body: bytes, seen: dict[str, _HeldGroup] = seen) -> None:
            seen.update((each.external_id, each) for each in _groups(body))

        known = {i: e.vendor_id for i, e in entries.items() if _may_be_there(e, now)}
        if not known:
            continue
        shown = await see_all(scim.lookup, resource_type, known, keep)
        unseen |= known.keys() - seen.keys() - shown.absent
        can_list = can_list and shown.can_list
        operations += (
            _update(resource_type, held, entries[external_id], gone)
            for external_id, held in seen.items()
            if external_id in entries and not gone.isdisjoint(held.members)
        )
    return GroupUpdates(tuple(operations), frozenset(unseen), can_list)


def _may_be_there(entry: LedgerEntry, now: float) -> bool:
    """Whether a vendor that does not show a group must be asked for it again."""
    return not entry.is_pending or not entry.is_settled(now)


def _update(
    resource_type: ResourceType, held: _HeldGroup, entry: LedgerEntry, gone: Set[str]
) -> Operation:
    body = encode(_said(resource_type, held, gone))
    return Operation(
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


def _groups(page: bytes) -> Iterator[_HeldGroup]:
    """Yield the groups of a page, except those that are not in the form in which they are sent."""
    try:
        found = msgspec.json.decode(
            page.removeprefix(BOM_UTF8), type=_GroupPage | list[msgspec.Raw]
        )
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    listed = found if isinstance(found, list) else found.resources or found.small_resources
    for raw in listed:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            yield msgspec.json.decode(raw, type=_HeldGroup).in_lower_case()


def _said(resource_type: ResourceType, held: _HeldGroup, gone: Set[str]) -> wire.Resource:
    owner = reference("SchoolUnit", held.owner.value)
    if resource_type == "StudentGroup":
        left = (m.value for m in held.student_memberships or () if m.value not in gone)
        return wire.StudentGroup(
            schemas=SCHEMAS[resource_type],
            external_id=held.external_id,
            display_name=held.display_name,
            owner=owner,
            student_group_type=held.student_group_type or "Klass",
            school_type=held.school_type,
            student_memberships=tuple(reference("User", m) for m in left),
        )
    teachers = (t.value for t in held.teachers or () if t.value not in gone)
    return wire.Activity(
        schemas=SCHEMAS[resource_type],
        external_id=held.external_id,
        display_name=held.display_name,
        owner=owner,
        groups=tuple(reference("StudentGroup", g.value) for g in held.groups or ()),
        teachers=tuple(reference("Employment", t) for t in teachers),
    )
