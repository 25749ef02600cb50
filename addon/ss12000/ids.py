"""The externalId of every resource: a UUID derived from ids that never change.

A UUID is version 5 (RFC 9562) in a namespace of the tenant, so that two tenants never use the
same id for different objects at a vendor. Changing anything in this file changes the identity
of everyone at every vendor.
"""

import re
from collections.abc import Iterable
from uuid import UUID, uuid5

from addon.roster.model import StudentGroup

SKOLSYNK = UUID("6f3c3a9e-5c0b-5b6c-9a55-0d8f7d1c2f10")

_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def has_our_form(external_id: str) -> bool:
    """Whether an externalId has the form of ours; what has another form is never ours."""
    return _FORM.fullmatch(external_id) is not None


class Ids:
    """The externalIds of one tenant, in lower case."""

    def __init__(self, customer_id: str) -> None:
        self._tenant = uuid5(SKOLSYNK, f"customer:{customer_id}")
        self._known: dict[str, str] = {}

    def organisation(self) -> str:
        """The principal organiser, from the customer id."""
        return self._derive("organisation")

    def school_unit(self, code: str) -> str:
        """A school unit, from its code in Skolverket's register."""
        return self._derive(f"schoolUnit:{code}")

    def user(self, user_id: str) -> str:
        """A person, from the Workspace user id."""
        return self._derive(f"user:{user_id}")

    def employment(self, unit: str, user_id: str) -> str:
        """A person's employment at a unit."""
        return self._derive(f"employment:{unit}:{user_id}")

    def of_person(self, user_id: str, units: Iterable[str]) -> tuple[str, ...]:
        """A person's own resources: the account, then the employments at `units` (codes)."""
        return (self.user(user_id), *(self.employment(unit, user_id) for unit in units))

    def student_group(self, group: StudentGroup) -> str:
        """A class or teaching group, from the unit and the group's or OU's id, or the value."""
        return self._derive(f"studentGroup:{_name(group.unit, group.source, group.source_id)}")

    def activity(self, group: StudentGroup) -> str:
        """The teaching of a group."""
        return self._derive(f"activity:{_name(group.unit, group.source, group.source_id)}")

    def of_group(self, unit: str, source: str, source_id: str) -> tuple[str, str]:
        """A class or teaching group and its teaching."""
        name = _name(unit, source, source_id)
        return self._derive(f"studentGroup:{name}"), self._derive(f"activity:{name}")

    def _derive(self, name: str) -> str:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = str(uuid5(self._tenant, name))
        return known


def _name(unit: str, source: str, source_id: str) -> str:
    """What identifies a group within the tenant."""
    return f"{unit}:{source}:{source_id}"
