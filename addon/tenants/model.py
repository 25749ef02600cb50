"""The tenant document, an administrator's configuration, as frozen values.

The JSON form is a contract (docs/tenant-document.md). Decoding and checking a document that
somebody wrote is done by `addon.tenants.document`; this module only defines what a valid one
contains. Field names are the document's own, in camelCase in JSON.
"""

from datetime import date
from typing import Literal

from msgspec import Struct, field, structs

from addon.vendors.profiles import OptionalField

Operator = Literal[
    "equals",
    "notEquals",
    "in",
    "notIn",
    "startsWith",
    "endsWith",
    "contains",
    "notContains",
    "matches",
    "notMatches",
    "isEmpty",
    "isNotEmpty",
]
LimitedType = Literal["SchoolUnit", "User", "Employment", "StudentGroup", "Activity"]
Mode = Literal["off", "test", "live"]
About = Literal["held", "failed", "unread"]
Weekly = Literal["summary", "vendors"]


class Value(
    Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename="camel",
    kw_only=True,
    omit_defaults=True,
):
    """Base of all parts of the document: immutable, strict, camelCase."""


class Organisation(Value, frozen=True):
    """The principal organiser (huvudman)."""

    name: str
    organisation_number: str | None = None


class Protected(Value, frozen=True):
    """Where people with protected identity are found; they are never sent to a vendor."""

    groups: tuple[str, ...] = ()
    org_units: tuple[str, ...] = ()


class Clause(Value, frozen=True):
    """One comparison of an attribute with a value; `in` and `notIn` take a list."""

    attribute: str
    operator: Operator
    value: str | tuple[str, ...] | None = None


class SelectorExceptions(Value, frozen=True):
    """Whom a selector leaves out: user ids, those in OUs and below them, members of groups."""

    users: tuple[str, ...] = ()
    org_units: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


NO_EXCEPTIONS = SelectorExceptions()
"""The default, which is not written; see `Selector.excepting`."""


class Selector(Value, frozen=True):
    """Chooses people in an OU or a group who, if there are filters, pass at least one.

    `filters` is a list of filters (ORed), each a list of clauses (ANDed). Those in `exceptions`
    are not chosen.
    """

    org_units: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    filters: tuple[tuple[Clause, ...], ...] = ()
    exceptions: SelectorExceptions = field(name="except", default=NO_EXCEPTIONS)

    def excepting(self, exceptions: SelectorExceptions) -> "Selector":
        """Return the selector with these exceptions in place of its own."""
        left = NO_EXCEPTIONS if exceptions == NO_EXCEPTIONS else exceptions
        return structs.replace(self, exceptions=left)


class GroupRule(Value, frozen=True):
    """Where classes or teaching groups come from, and how they are named.

    Groups whose name is one of `exceptions`, without regard to case, are left out.
    """

    source: Literal["orgUnit", "group", "attribute"] = field(name="from")
    pattern: str
    attribute: str | None = None
    exceptions: tuple[str, ...] = field(name="except", default=())


GroupRules = GroupRule | tuple[GroupRule, ...]
"""A rule, or rules that are tried in order; `rules_of` gives them."""


def rules_of(rules: GroupRules | None) -> tuple[GroupRule, ...]:
    """Return the rules in the order in which they are tried; empty if there are none."""
    if rules is None:
        return ()
    return (rules,) if isinstance(rules, GroupRule) else rules


LAST_YEAR = 13
"""The highest school year."""
YearForm = Literal["number", "startYear", "birthYear", "leavingYear"]


class YearRule(Value, frozen=True):
    """Where the school year of a student is found, and how the pattern's part `year` says it.

    `number` is the school year itself, 0-13 or a word for förskoleklass. The others are calendar
    years of two or four digits: `startYear` is when the student was in school year `first`,
    `birthYear` when they were born, `leavingYear` when they leave school year `last`. Texts that
    begin with one of `none` have no school year, as introductory programmes.
    """

    source: Literal["class", "orgUnit", "attribute"] = field(name="from")
    pattern: str
    attribute: str | None = None
    form: YearForm = field(name="as", default="number")
    first: int | None = None
    last: int | None = None
    none: tuple[str, ...] = ()


class SchoolUnit(Value, frozen=True):
    """A unit in Skolverket's register and its students and staff."""

    code: str
    name: str
    municipality_code: str | None = None
    school_types: tuple[str, ...] = ()
    students: Selector = Selector()
    staff: Selector = Selector()
    classes: GroupRules | None = None
    teaching_groups: GroupRules | None = None
    school_year: YearRule | None = None


class ChangeLimit(Value, frozen=True):
    """How many resources of a type a run may change; None is no limit."""

    number: int | None = None
    percent: float | None = None


class ProtectedLimit(Value, frozen=True):
    """How many people may become protected in one step: the lower of the two; None is no limit."""

    number: int | None = 20
    percent: float | None = 5


class Limits(Value, frozen=True):
    """How many people a run may remove, and how much it may change, without confirmation.

    `changes` are by resource type; they do not limit a first delivery. `protected` is about the
    people who become protected at one reading.
    """

    deletions: int = 50
    deletions_percent: float = 10
    changes: dict[LimitedType, ChangeLimit] = {}
    protected: ProtectedLimit = ProtectedLimit()


class ConnectionExceptions(Value, frozen=True):
    """What one vendor does not get: people by user id, StudentGroups by externalId."""

    users: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


NOTHING_WITHHELD = ConnectionExceptions()
"""The default, which is not written; see `Connection.excepting`."""


class Agreement(Value, frozen=True):
    """The data processing agreement with a vendor, and who noted it (an address)."""

    reference: str
    signed: date = field(name="date")
    noted_by: str = ""


class Connection(Value, frozen=True):
    """The tenant's use of one vendor. What is in `exceptions` is not sent to it."""

    vendor: str
    mode: Mode = "off"
    school_units: tuple[str, ...] = ()
    fields: tuple[OptionalField, ...] = ()
    limits: Limits = Limits()
    exceptions: ConnectionExceptions = field(name="except", default=NOTHING_WITHHELD)
    agreement: Agreement | None = None

    def excepting(self, exceptions: ConnectionExceptions) -> "Connection":
        """Return the connection with these exceptions in place of its own."""
        left = NOTHING_WITHHELD if exceptions == NOTHING_WITHHELD else exceptions
        return structs.replace(self, exceptions=left)


class Pause(Value, frozen=True):
    """A period in which nothing runs: Swedish dates, both included."""

    start: date = field(name="from")
    until: date

    def covers(self, day: date) -> bool:
        """Whether `day` is in the pause."""
        return self.start <= day <= self.until


class Schedule(Value, frozen=True):
    """How many hours there are between the tenant's runs; None is the installation's setting."""

    hours: int | None = None
    pause: Pause | None = None


class Notices(Value, frozen=True):
    """Who gets e-mail notices, and about what; `weekly` is the letter each Monday, None: none."""

    email: tuple[str, ...] = ()
    about: tuple[About, ...] = ("held", "failed")
    weekly: Weekly | None = None


class Tenant(Value, frozen=True, kw_only=True):
    """One Google Workspace customer: its units, its selection of people, its connections.

    `administrators` are the addresses of those who may use the configuration pages; if it is
    empty, every super administrator may.
    """

    customer_id: str
    primary_domain: str | None = None
    delegated_admin: str | None = None
    organisation: Organisation
    protected: Protected = Protected()
    school_units: tuple[SchoolUnit, ...] = ()
    connections: tuple[Connection, ...] = ()
    schedule: Schedule = Schedule()
    notices: Notices = Notices()
    administrators: tuple[str, ...] = ()

    @property
    def unit_names(self) -> dict[str, str]:
        """The names of the school units by their codes, in the document's order."""
        return {unit.code: unit.name for unit in self.school_units}

    def connection(self, vendor: str) -> Connection | None:
        """The tenant's connection to `vendor`, or None."""
        return next((c for c in self.connections if c.vendor == vendor), None)
