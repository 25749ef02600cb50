"""A reading as it is compared with what earlier ones knew: all that follows from its snapshot."""

from collections.abc import Mapping, Set

from msgspec import Struct, structs

from addon.directory.evidence import Answer, Question, with_answers
from addon.directory.snapshot import Snapshot
from addon.roster.findings import finding
from addon.roster.model import Finding, Roster
from addon.roster.placements import Placements, placements_of
from addon.roster.select import select
from addon.sync.first_readings import settling_since, unsettled_groups
from addon.sync.known_placements import Beginning, KnownDirectory
from addon.sync.known_places import (
    OrgUnitPlace,
    as_documented,
    place_org_units,
    renamed_org_units,
    units_with_missing_places,
)
from addon.tenants.model import Tenant


class ComparedReading(Struct, frozen=True):
    """A snapshot, and what the document makes of it.

    `documented` is the snapshot with the selections' OUs at the paths that the document has for
    them (`places`), `current` the placements of the `roster`, `incomplete` the units with a
    selector that names an OU or a group that is not there. `settling` is since when there is
    nothing to compare with (0: there is), `unsettled` the groups that were never read whole. `now`
    is when the reading began. Times are seconds since 1970 UTC.
    """

    tenant: Tenant
    snapshot: Snapshot
    documented: Snapshot
    places: dict[str, OrgUnitPlace]
    roster: Roster
    current: Placements
    incomplete: Set[str]
    settling: float
    unsettled: frozenset[str]
    now: float

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is to be said of the reading itself: OUs with new names, nothing to compare with."""
        not_compared = (finding("not-compared", self.tenant.customer_id),) if self.settling else ()
        return (*renamed_org_units(self.tenant, self.places), *not_compared)

    def with_roster(self, roster: Roster) -> "ComparedReading":
        """Return the reading with this roster."""
        if roster is self.roster:
            return self
        return structs.replace(self, roster=roster, current=placements_of(roster))

    def repaired(self, answers: Mapping[Question, Answer]) -> "ComparedReading":
        """Return the reading with whom the answers say to be there. Raises SlowPatternError."""
        snapshot = with_answers(self.snapshot, answers)
        if snapshot == self.snapshot:
            return self
        documented = as_documented(self.tenant, snapshot, self.places)
        found = structs.replace(
            self,
            snapshot=snapshot,
            documented=documented,
            incomplete=units_with_missing_places(self.tenant, documented),
        )
        return found.with_roster(select(self.tenant, documented))


def compared_reading(
    tenant: Tenant, snapshot: Snapshot, known: KnownDirectory | Beginning, now: float
) -> ComparedReading:
    """Return a reading that began at `now`, to be compared with what was known.

    Raises SlowPatternError.
    """
    places = place_org_units(tenant, known.places, snapshot.org_units)
    documented = as_documented(tenant, snapshot, places)
    roster = select(tenant, documented)
    return ComparedReading(
        tenant,
        snapshot,
        documented,
        places,
        roster,
        placements_of(roster),
        units_with_missing_places(tenant, documented),
        settling_since(known, snapshot, now),
        unsettled_groups(known, snapshot),
        now,
    )
