"""What the pages compute from a tenant's directory: every result by name, in one place."""

from enum import Enum, auto


class DirectoryResult(Enum):
    """Names of what follows from a directory, a document and the newest run.

    `TenantDirectory.get_or_compute` remembers one value for each name and what it is `of`: a
    vendor, a unit, a run. Two modules that need the same value ask the module that computes it.
    """

    PREPARED = auto()
    """`PreparedRun`: the roster and the roster of each vendor."""
    PLANNED_CONNECTION = auto()
    """`PlannedConnection` of a vendor, a mode and the newest run."""

    ORG_UNIT_TREE = auto()
    """The tree of OUs with the number of people at each."""
    ORG_UNIT_PATHS = auto()
    """The spelling of each OU's path, by its folded form."""
    ORG_UNIT_NAMES = auto()
    """The names of OUs as they are searched."""
    GROUP_NAMES = auto()
    """The names of groups as they are searched."""
    PROTECTED_PLACES = auto()
    """OUs and groups that look as if their people were protected."""

    PEOPLE_ROWS = auto()
    """A row for each person, by family name."""
    PEOPLE_CHOSEN = auto()
    """The rows that a filter leaves."""
    PEOPLE_RANKED = auto()
    """Each person's place in the alphabet, by id."""
    PEOPLE_SENT = auto()
    """How many people at least one vendor gets."""
    REASONS_NOT_SENT = auto()
    """How many people are sent to nobody, by reason."""
    OVERVIEW_CSV = auto()
    """The overview file of the people that a filter leaves."""
    FINDINGS = auto()
    """The findings by kind."""
    FINDINGS_OVER_TIME = auto()
    """How many findings each run had, by severity."""

    PEOPLE_UNSENDABLE = auto()
    """The ids of those who lack a name or an address."""
    PEOPLE_OF_UNITS = auto()
    """Students and staff of each unit."""
    UNIT_NUMBERS = auto()
    """How many of each kind a unit has."""
    SAVED_SELECTIONS = auto()
    """Whom the saved selectors choose, for the preview of others."""
    CLASS_RULE_CHOICES = auto()
    """Rules that a unit's classes or teaching groups could have."""
    CLASS_RULE_OUTCOME = auto()
    """The groups that a rule makes of a unit's students."""
    RULE_AT_UNITS = auto()
    """What one unit's rule would give at the others."""
    CLASS_REPLACEMENTS = auto()
    """Classes that a changed rule would replace at vendors."""
    PROPOSALS = auto()
    """What the directory proposes for each unit."""
    PROPOSALS_VIEW = auto()
    """What could be set up for each unit that is not set up yet."""
    PROPOSAL_ALTERED = auto()
    """A unit's proposal with other places chosen."""
    PROPOSAL_IMPACT = auto()
    """Whom accepting proposals would take away at vendors."""

    DOCUMENT_IMPACT = auto()
    """Whom another version of the document would give to vendors and take from them."""

    RENAMED_ORG_UNITS = auto()
    """OUs that the document names by a path that they no longer have."""

    RESOURCE_NAMES = auto()
    """What each externalId stands for."""
    RESOURCE_NAMES_IN_UNITS = auto()
    """The name of each externalId, a class's with its school."""
    PEOPLE_SENT_TO_VENDOR = auto()
    """Numbers of what a vendor gets."""
    NEXT_RUN = auto()
    """What the next run would do at a vendor, resource by resource."""
    REHEARSAL = auto()
    """What the first run after a pause would change, school by school."""
    PEOPLE_CHANGES = auto()
    """How many people the next run would change at a vendor."""
    NEXT_RUN_OF_PEOPLE = auto()
    """What the next run would do to each person at a vendor."""
    PEOPLE_AT_VENDOR = auto()
    """Whom a vendor has, by its ledger."""
    HOLD_VIEW = auto()
    """Who and what a hold is about."""
    RUN_ROWS = auto()
    """What a run did to each person, class and unit."""
    RUN_AT_SCHOOLS = auto()
    """How many people a run created, changed and removed at each school unit."""
    UNIT_HISTORY = auto()
    """What deliveries did at a unit lately."""
    REFUSED = auto()
    """What a vendor refused."""
    VENDOR_LIMITATIONS = auto()
    """What a vendor does not get for lack of data."""
