"""What deliveries did to whom, as the pages show it: of a run, a person, a class and a unit.

The store has ids; names are those of the directory at the time of showing. Who is protected is in
none of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set

from msgspec import Struct

from addon.planning.history import DeliveryHistory, HistoryEntry, subject_of, subject_of_unit
from addon.ss12000.ids import Ids
from addon.store.history import HistoryStore
from addon.text import SortKey, sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.name_search import plain
from addon.web.presenters.resource_names import NamedResource, alphabetical, named_resources

PARTS = 50
"""How many of the newest deliveries are looked at for one person, class or unit."""
LATELY = 30 * 86400.0
"""Seconds for which somebody is new at a unit, or has lately left it."""
OUTCOMES = ("create", "update", "delete", "refused")


class RunRow(Struct, frozen=True, gc=False):
    """What a run did to one person, group or unit at one vendor.

    `who` is None when the directory does not have them now; `kind` is `user`, `group`, `unit` or
    `organisation`, and `id` the externalId. `outcomes` are of OUTCOMES. A search looks in `words`.
    """

    vendor: str
    mode: str
    kind: str
    id: str
    who: NamedResource | None
    entries: tuple[HistoryEntry, ...]
    outcomes: frozenset[str]
    units: frozenset[str]
    order: tuple[int, SortKey]
    words: str


class RunRowFilter(Struct, frozen=True):
    """Which rows of a run to show; an empty field does not filter."""

    text: str = ""
    unit: str = ""
    vendor: str = ""
    outcome: str = ""


class HistoryLine(Struct, frozen=True):
    """One thing that a delivery did. For `membership` see `person_lines`."""

    at: float
    run: str
    vendor: str
    mode: str
    entry: HistoryEntry
    membership: str = ""


class GroupEvent(Struct, frozen=True):
    """What a delivery did to a group, with those who joined and left whom the directory has."""

    line: HistoryLine
    joined: tuple[NamedResource, ...]
    left: tuple[NamedResource, ...]


class UnitDelivery(Struct, frozen=True):
    """How many people one delivery of a run created, changed and removed at a unit."""

    at: float
    run: str
    vendor: str
    mode: str
    people: Mapping[str, int]


class UnitHistory(Struct, frozen=True):
    """The newest deliveries that concerned a unit, and who came and left in the last 30 days.

    `joined` and `left` are names in their order, without those whom the directory does not have;
    `joined_count` and `left_count` count them too.
    """

    deliveries: tuple[UnitDelivery, ...] = ()
    joined: tuple[NamedResource, ...] = ()
    left: tuple[NamedResource, ...] = ()
    joined_count: int = 0
    left_count: int = 0


class SchoolEvent(Struct, frozen=True):
    """How many people of a school unit a run created, changed and removed, and at which vendors."""

    unit: str
    people: Mapping[str, int]
    vendors: tuple[str, ...]


def schools_of_run(
    directory: TenantDirectory, store: HistoryStore, run: str, state: object
) -> Sequence[SchoolEvent]:
    """Return what a run did at each school unit, the largest first; `state` as for `run_rows`.

    Raises StillComputing.
    """
    hidden, tenant_id = _hidden(directory), directory.tenant.customer_id

    def compute() -> Sequence[SchoolEvent]:
        return by_unit(_seen(store.history_of_run(tenant_id, run), hidden))

    return directory.get_or_compute(DirectoryResult.RUN_AT_SCHOOLS, compute, (run, state))


def by_unit(parts: Iterable[DeliveryHistory]) -> Sequence[SchoolEvent]:
    """Return what was done to people by unit; one whom several vendors get is counted once."""
    who: dict[str, dict[str, set[str]]] = {}
    vendors: dict[str, set[str]] = {}
    for part in parts:
        done = (e for e in part.entries if e.resource_type == "User" and e.result == "done")
        for entry in done:
            for unit in entry.units:
                kinds = who.setdefault(unit, {kind: set() for kind in OUTCOMES[:3]})
                kinds[entry.operation].add(entry.person)
                vendors.setdefault(unit, set()).add(part.vendor)
    found = [
        SchoolEvent(
            unit, {kind: len(ids) for kind, ids in kinds.items()}, tuple(sorted(vendors[unit]))
        )
        for unit, kinds in who.items()
    ]
    return sorted(found, key=lambda event: (-sum(event.people.values()), event.unit))


def run_rows(
    directory: TenantDirectory, store: HistoryStore, run: str, state: object
) -> Sequence[RunRow]:
    """Return what a run did to whom, by name; `state` changes when more is done.

    Raises StillComputing.
    """
    known, hidden = named_resources(directory), _hidden(directory)
    tenant_id, groups = directory.tenant.customer_id, directory.prepared.roster.groups

    def compute() -> Sequence[RunRow]:
        ids = Ids(tenant_id)
        taught = {ids.activity(group): ids.student_group(group) for group in groups}
        return _run_rows(_seen(store.history_of_run(tenant_id, run), hidden), known, taught)

    return directory.get_or_compute(DirectoryResult.RUN_ROWS, compute, (run, state))


def chosen_rows(rows: Sequence[RunRow], filters: RunRowFilter) -> Sequence[RunRow]:
    """Return the rows that a filter leaves."""
    words = plain(filters.text).split()
    if filters == RunRowFilter():
        return rows
    return [
        row
        for row in rows
        if (not filters.vendor or row.vendor == filters.vendor)
        and (not filters.outcome or filters.outcome in row.outcomes)
        and (not filters.unit or filters.unit in row.units)
        and all(word in row.words for word in words)
    ]


def person_lines(
    directory: TenantDirectory, store: HistoryStore, user_id: str
) -> list[HistoryLine]:
    """Return what was done to a person, the newest first; nothing of one who is protected.

    `membership` of a line is `joined` or `left` when its entry is a group's.
    """
    person = Ids(directory.tenant.customer_id).user(user_id)
    if person in _hidden(directory):
        return []

    def of(entry: HistoryEntry) -> str | None:
        if entry.person == person:
            return ""
        return "joined" if person in entry.joined else "left" if person in entry.left else None

    return _lines(_parts(directory, store, subject_of(person)), of)


def group_events(
    directory: TenantDirectory, store: HistoryStore, external_ids: Sequence[str]
) -> list[GroupEvent]:
    """Return what was done to a group and its activity, the newest first. Raises StillComputing."""
    known = named_resources(directory)
    wanted = frozenset(external_ids)

    def of(entry: HistoryEntry) -> str | None:
        return "" if entry.external_id in wanted else None

    parts = {
        part.id: part
        for each in external_ids
        for part in _parts(directory, store, subject_of(each))
    }
    lines = _lines(parts.values(), of)
    return [
        GroupEvent(line, _named(line.entry.joined, known), _named(line.entry.left, known))
        for line in sorted(lines, key=lambda line: -line.at)
    ]


def unit_history(
    directory: TenantDirectory, store: HistoryStore, code: str, newest_run: str, now: float
) -> UnitHistory:
    """Return what deliveries did at a unit lately, up to `newest_run`. Raises StillComputing."""
    known, hidden = named_resources(directory), _hidden(directory)
    tenant_id = directory.tenant.customer_id

    def compute() -> UnitHistory:
        found = store.history_about(tenant_id, subject_of_unit(code), PARTS)
        return _unit_history(_seen(found, hidden), code, known, now)

    return directory.get_or_compute(DirectoryResult.UNIT_HISTORY, compute, (code, newest_run))


def _unit_history(
    parts: Iterable[DeliveryHistory], code: str, known: Mapping[str, NamedResource], now: float
) -> UnitHistory:
    deliveries: list[UnitDelivery] = []
    came: dict[str, bool] = {}
    for part in parts:
        own = [e for e in part.entries if e.resource_type == "User" and code in e.units]
        done = [entry for entry in own if entry.result == "done"]
        people = {kind: sum(e.operation == kind for e in done) for kind in OUTCOMES[:3]}
        people["refused"] = len(own) - len(done)
        if own:
            line = UnitDelivery(part.at, part.run, part.vendor, part.mode, people)
            deliveries.append(line)
        if now - part.at <= LATELY:
            for entry in done:
                if entry.operation != "update":
                    came.setdefault(entry.person, entry.operation == "create")
    joined = [person for person, is_new in came.items() if is_new]
    left = [person for person, is_new in came.items() if not is_new]
    return UnitHistory(
        tuple(deliveries), _named(joined, known), _named(left, known), len(joined), len(left)
    )


def _named(
    external_ids: Iterable[str], known: Mapping[str, NamedResource]
) -> tuple[NamedResource, ...]:
    found = [known[each] for each in external_ids if each in known]
    return tuple(sorted(found, key=_order_of))


def _order_of(who: NamedResource) -> SortKey:
    return sort_key(who.name) if who.user is None else alphabetical(who.user)


def _parts(directory: TenantDirectory, store: HistoryStore, subject: str) -> list[DeliveryHistory]:
    found = store.history_about(directory.tenant.customer_id, subject, PARTS)
    return list(_seen(found, _hidden(directory)))


def _seen(parts: Iterable[DeliveryHistory], hidden: Set[str]) -> Iterator[DeliveryHistory]:
    """Yield the parts without who is protected now."""
    for part in parts:
        yield part.without(hidden) if hidden else part


def _hidden(directory: TenantDirectory) -> frozenset[str]:
    """Return the externalIds of the protected. Raises StillComputing."""
    ids = Ids(directory.tenant.customer_id)
    return frozenset(map(ids.user, directory.prepared.protection.hidden))


def _lines(
    parts: Iterable[DeliveryHistory], of: Callable[[HistoryEntry], str | None]
) -> list[HistoryLine]:
    """Return a line for each entry that `of` gives something for."""
    return [
        HistoryLine(part.at, part.run, part.vendor, part.mode, entry, found)
        for part in parts
        for entry in part.entries
        if (found := of(entry)) is not None
    ]


KINDS = {
    "User": "user",
    "Employment": "user",
    "StudentGroup": "group",
    "Activity": "group",
    "SchoolUnit": "unit",
}


def _run_rows(
    parts: Iterable[DeliveryHistory], known: Mapping[str, NamedResource], taught: Mapping[str, str]
) -> tuple[RunRow, ...]:
    """Return a row for each person, group and unit at each vendor.

    `taught` has the externalId of a group by that of its activity.
    """
    found: dict[tuple[str, str, str, str], list[HistoryEntry]] = {}
    for part in parts:
        for entry in part.entries:
            kind = KINDS.get(entry.resource_type, "organisation")
            about = entry.person if kind == "user" else entry.external_id
            about = taught.get(about, about)
            found.setdefault((part.vendor, part.mode, kind, about), []).append(entry)
    rows = [_row(*key, tuple(entries), known) for key, entries in found.items()]
    return tuple(sorted(rows, key=lambda row: (row.order, row.vendor, row.mode)))


def _row(
    vendor: str,
    mode: str,
    kind: str,
    id: str,
    entries: tuple[HistoryEntry, ...],
    known: Mapping[str, NamedResource],
) -> RunRow:
    who = known.get(id)
    outcomes = {e.operation if e.result == "done" else "refused" for e in entries}
    units = {unit for entry in entries for unit in entry.units}
    name = "" if who is None else who.name
    place = ("user", "group", "unit", "organisation").index(kind)
    return RunRow(
        vendor=vendor,
        mode=mode,
        kind=kind,
        id=id,
        who=who,
        entries=entries,
        outcomes=frozenset(outcomes),
        units=frozenset(units),
        order=(place, sort_key("") if who is None else _order_of(who)),
        words=plain(name),
    )
