"""The effect of a choice about a vendor on people, in numbers, before the choice is saved."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, structs

from addon.planning.limits import FEWEST_BY_PERCENT, is_too_many
from addon.roster.model import Person
from addon.ss12000.vendor_roster import VendorRoster
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Limits, Mode, SchoolUnit, Tenant
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.resource_names import NamedResource, named_resources

Ticks = Mapping[str, frozenset[str]]
"""The codes of the units ticked for each vendor."""


class PeopleCounts(Struct, frozen=True):
    """The number of students and of staff."""

    students: int = 0
    staff: int = 0

    @property
    def people(self) -> int:
        """Students and staff together."""
        return self.students + self.staff


class PeopleChanges(Struct, frozen=True):
    """What the next run would do to people at a vendor, and whether that would be held.

    `there` is the number of people at the vendor before it.
    """

    there: int
    created: PeopleCounts
    updated: int
    removed: int
    held: bool


class UnitChange(Struct, frozen=True):
    """The effect of choosing other units for a vendor that is on.

    `limits` are the connection's, `there` is the number of people it carries before, and `removed`
    how many other runs have removed in 24 hours. `gained` and `lost` are None while they are not
    known.
    """

    vendor: str
    mode: Mode
    added: tuple[SchoolUnit, ...]
    dropped: tuple[SchoolUnit, ...]
    limits: Limits
    there: int = 0
    removed: int = 0
    gained: PeopleCounts | None = None
    lost: PeopleCounts | None = None

    @property
    def stopped(self) -> bool:
        """Whether the following run would be held until an administrator approves it."""
        going = 0 if self.lost is None else self.lost.people
        return going > 0 and is_too_many(
            going + self.removed, self.there + self.removed, self.limits
        )


def people_counts(people: Iterable[Person]) -> PeopleCounts:
    """Count the students and the staff."""
    roles = [bool(person.enrolments) for person in people]
    return PeopleCounts(sum(roles), len(roles) - sum(roles))


def carried(directory: TenantDirectory, vendor: str) -> PeopleCounts | None:
    """Count the people whom the connection would carry if it were on; None without a connection.

    Raises StillComputing.
    """
    vendor_roster = directory.prepared.vendor_rosters.get(vendor)
    return (
        None
        if vendor_roster is None
        else directory.get_or_compute(
            DirectoryResult.PEOPLE_SENT_TO_VENDOR, lambda: _people_sent(vendor_roster), vendor
        )
    )


def people_changes(
    directory: TenantDirectory, vendor: str, mode: Mode, newest_run: str
) -> PeopleChanges | None:
    """Return the next run at `vendor` if it were in `mode`. Raises StillComputing."""
    planned = directory.planned(vendor, newest_run, mode)
    if planned is None:
        return None
    known, vendor_roster = named_resources(directory), directory.prepared.vendor_rosters[vendor]

    def count() -> PeopleChanges:
        plan = planned.plan
        kinds = {"create": [op.external_id for op in plan.writes["User"] if op.kind == "create"]}
        protected = sum(1 for op in plan.protected if op.resource_type == "User")
        return PeopleChanges(
            there=planned.ledger.people(),
            created=_created(kinds["create"], known, vendor_roster),
            updated=len(plan.writes["User"]) - len(kinds["create"]),
            removed=len(plan.deletes["User"]) + protected,
            held=planned.hold is not None,
        )

    return directory.get_or_compute(
        DirectoryResult.PEOPLE_CHANGES, count, (vendor, mode, newest_run)
    )


def unit_changes(
    tenant: Tenant, ticks: Ticks, prepared: PreparedRun | None, removed: Mapping[str, int]
) -> tuple[UnitChange, ...]:
    """Return the effect of sending the ticked units to vendors that are on.

    The units are known without `prepared`; only the numbers need it. `removed` is how many people
    runs have removed in 24 hours, by vendor.
    """
    found = (_unit_change(tenant, c.vendor, ticks, prepared) for c in tenant.connections)
    return tuple(
        structs.replace(each, removed=removed.get(each.vendor, 0))
        for each in found
        if each is not None
    )


def most_removed(limits: Limits, there: int) -> int:
    """Return how many of `there` people a run may remove without a hold."""
    by_percent = max(FEWEST_BY_PERCENT - 1, int(there * limits.deletions_percent / 100))
    return min(limits.deletions, by_percent)


def _people_sent(vendor_roster: VendorRoster) -> PeopleCounts:
    return people_counts(vendor_roster.people.values())


def _created(
    ids: list[str], known: Mapping[str, NamedResource], vendor_roster: VendorRoster
) -> PeopleCounts:
    about = (known[i] for i in ids if i in known)
    return people_counts(vendor_roster.people[s.id] for s in about if s.id in vendor_roster.people)


def _unit_change(
    tenant: Tenant, vendor: str, ticks: Ticks, prepared: PreparedRun | None
) -> UnitChange | None:
    connection = tenant.connection(vendor)
    if connection is None or connection.mode == "off" or vendor not in ticks:
        return None
    before, after = frozenset(connection.school_units), ticks[vendor]
    if before == after:
        return None
    shift = UnitChange(
        vendor,
        connection.mode,
        tuple(u for u in tenant.school_units if u.code in after - before),
        tuple(u for u in tenant.school_units if u.code in before - after),
        connection.limits,
    )
    if prepared is None:
        return shift
    people = prepared.roster.people.values()
    carried = [p for p in people if _at(p, before)]
    return structs.replace(
        shift,
        there=len(carried),
        gained=people_counts(p for p in people if _at(p, after) and not _at(p, before)),
        lost=people_counts(p for p in carried if not _at(p, after)),
    )


def _at(person: Person, units: frozenset[str]) -> bool:
    return not units.isdisjoint(person.employments) or any(
        e.unit in units for e in person.enrolments
    )
