"""Small directories and documents, said in as few words as a test needs."""

from addon.directory.snapshot import Group, OrgUnit, Snapshot, User
from addon.roster.filters import SelectorChoice
from addon.roster.model import Roster
from addon.tenants.model import (
    Clause,
    GroupRule,
    Organisation,
    Protected,
    SchoolUnit,
    Selector,
    Tenant,
    YearRule,
)
from addon.text import fold

NORRA = "/Elever/Norra skolan"
STAFF = "/Personal/Norra skolan"
CLASS_OU = GroupRule(source="orgUnit", pattern="(?P<name>[^/]+)$")
CLASS_GROUP = GroupRule(source="group", pattern="^klass-(?P<name>.+)@")
TEACHING_GROUP = GroupRule(source="group", pattern="^norra-(?P<name>.+)@")


def department(pattern: str = "^(?P<name>.+)$") -> GroupRule:
    return GroupRule(source="attribute", pattern=pattern, attribute="organizations.department")


def user(id: str, path: str = NORRA, **fields) -> User:
    known = {
        "primary_email": f"{id}@edu.storkoping.se",
        "given_name": "Åsa",
        "family_name": "Öberg",
        **fields,
    }
    return User(id=id, org_unit_path=path, **known)


def group(email: str, *members: str, id: str = "", name: str = "", **fields) -> Group:
    return Group(
        id=id or f"id-{email.partition('@')[0]}",
        email=email if "@" in email else f"{email}@edu.storkoping.se",
        name=name,
        members=frozenset(members),
        **fields,
    )


def ou(path: str, id: str = "") -> OrgUnit:
    return OrgUnit(id=id or f"id:{path}", path=path, name=path.rpartition("/")[2])


def snapshot(*things: User | Group | OrgUnit, **fields) -> Snapshot:
    """A reading of `things`; the OUs of the users and all above them exist."""
    units = {fold(t.path): t for t in things if isinstance(t, OrgUnit)}
    for path in [t.org_unit_path for t in things if isinstance(t, User)]:
        while path and fold(path) not in units:
            units[fold(path)] = ou(path)
            path = path.rpartition("/")[0]
    return Snapshot(
        users=tuple(t for t in things if isinstance(t, User)),
        groups=tuple(t for t in things if isinstance(t, Group)),
        org_units=tuple(units.values()),
        **fields,
    )


def people_in(*places: str, filters: tuple[tuple[Clause, ...], ...] = ()) -> Selector:
    """Those in the OUs (with a /) and groups (with an @) of `places`."""
    return Selector(
        org_units=tuple(p for p in places if "@" not in p),
        groups=tuple(p for p in places if "@" in p),
        filters=filters,
    )


def where(attribute: str, operator: str, value: str | tuple[str, ...] | None = None) -> Clause:
    return Clause(attribute=attribute, operator=operator, value=value)


AT_NORRA = people_in(NORRA)
NOBODY = Selector()
UNPROTECTED = Protected()


def unit(
    code: str = "10000001",
    students: Selector = AT_NORRA,
    staff: Selector = NOBODY,
    name: str = "Norra skolan",
    **rules: GroupRule | YearRule | None,
) -> SchoolUnit:
    return SchoolUnit(code=code, name=name, students=students, staff=staff, **rules)


def tenant(*units: SchoolUnit, protected: Protected = UNPROTECTED) -> Tenant:
    return Tenant(
        customer_id="C1",
        organisation=Organisation(name="Storköping"),
        school_units=units,
        protected=protected,
    )


def findings(roster: Roster) -> list[tuple[str, str]]:
    return [(f.code, f.subject) for f in roster.findings]


def about(roster: Roster, code: str) -> list[str]:
    """The subjects of the findings `code`."""
    return [f.subject for f in roster.findings if f.code == code]


def values(roster: Roster, code: str) -> list[dict[str, str]]:
    return [dict(f.values) for f in roster.findings if f.code == code]


def ids(choice: SelectorChoice) -> set[str]:
    return set(choice.chosen)
