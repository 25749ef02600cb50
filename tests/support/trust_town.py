"""A small town: its people in a directory, a vendor that can fail, and the real sync between.

Nothing is patched. A `Town` is a store, an EGIL server and a clock; `Town.run` is one run of
`addon.sync.run.sync`, which may meet trouble and may die.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from addon.delivery.throttle import RetryPolicy
from addon.directory.snapshot import Group, OrgUnit, Snapshot, User
from addon.planning.ledger import Ledger, LedgerChange, LedgerKey
from addon.roster.select import select
from addon.sandbox.domain import Domain
from addon.settings import Settings, SqliteAddress
from addon.ss12000.ids import Ids
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.resources import TYPES
from addon.ss12000.vendor_roster import vendor_roster
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import SyncContext
from addon.sync.report import ConnectionReport
from addon.sync.run import sync
from addon.tenants.document import load_tenant
from addon.tenants.model import Tenant
from addon.vendors.profiles import Endpoint, Vendor
from tests.support.egil_faults import Fault, Incoming, Rule
from tests.support.egil_server import EgilServer

TENANT = "C0trust"
UNITS = ("10000001", "10000002", "10000003")
PEOPLE = 8
FAMILIES = ("Öberg", "Ångström", "Lind", "")
DAY = 24 * 3600.0

KINDS: Mapping[str, Mapping[str, Any]] = {
    "own ids, filter": {"ids": "own", "refuse_duplicates": False, "page_limit": 3},
    "own ids, list": {
        "ids": "own",
        "refuse_duplicates": False,
        "filter": "ignored",
        "page_limit": 3,
    },
    "own ids, 409 only": {"ids": "own", "refuse_duplicates": True, "listing": "none"},
    "own ids, blind": {"ids": "own", "refuse_duplicates": False, "listing": "none"},
    "our ids, 409 only": {"ids": "ours", "listing": "none"},
}
"""The servers: who gives the ids, and how they can be asked what they hold."""

CALM = RetryPolicy(first_wait=0.001, longest_wait=0.01, read=30.0)
"""A vendor without trouble, on a machine that may be slow."""
SHORT = RetryPolicy(tries=3, first_wait=0.0005, longest_wait=0.001, longest_pause=1.0, read=30.0)
HASTY = RetryPolicy(tries=2, first_wait=0.0005, longest_wait=0.001, longest_pause=1.0, read=0.1)
HANG = 0.25
"""Longer than HASTY reads."""


@dataclass(frozen=True)
class Spot:
    """Where one person is and what they are called; `place` is an OU, "" for nowhere."""

    place: str = ""
    family: int = 0
    address: int = -1
    groups: frozenset[str] = frozenset()
    protected: bool = False
    suspended: bool = False


@dataclass(frozen=True)
class State:
    """A directory and a document, as small as they can be and have everything in them."""

    spots: Mapping[int, Spot] = field(default_factory=dict)
    renamed: bool = False
    ticked: tuple[str, ...] = UNITS

    def snapshot(self) -> Snapshot:
        """What a reading gives."""
        there = {p: spot for p, spot in self.spots.items() if spot.place}
        taken: set[int] = set()
        users = []
        for p, spot in there.items():
            if spot.protected:
                continue
            address = f"u{p}"
            if spot.address >= 0 and spot.address not in taken:
                taken.add(spot.address)
                address = f"a{spot.address}"
            users.append(
                User(
                    id=f"id{p}",
                    primary_email=f"{address}@edu.se",
                    given_name="Kim",
                    family_name=FAMILIES[spot.family],
                    org_unit_path=self._path(spot.place),
                    suspended=spot.suspended,
                )
            )
        return Snapshot(
            users=tuple(users),
            groups=tuple(self._groups(there)),
            org_units=tuple(
                OrgUnit(id=f"ou{place}", path=self._path(place), name=place) for place in PLACES
            ),
            protected=frozenset(f"id{p}" for p, spot in there.items() if spot.protected),
        )

    def _path(self, place: str) -> str:
        return place + " ny" if self.renamed and place.count("/") == 3 else place

    def _groups(self, there: Mapping[int, Spot]) -> Iterable[Group]:
        for name in GROUPS:
            members = frozenset(
                f"id{p}" for p, spot in there.items() if name in spot.groups and not spot.protected
            )
            shown = f"{name} ny" if self.renamed else name
            yield Group(id=f"g-{name}", email=f"{name}@edu.se", name=shown, members=members)


PLACES = (
    *(f"/Elever/{u}" for u in "ABC"),
    *(f"/Elever/{u}/{c}" for u in "ABC" for c in ("7A", "8B")),
    *(f"/Personal/{u}" for u in "ABC"),
    "/Annat",
)
GROUPS = ("kurs-a-ma", "kurs-a-sv", "kurs-b-ma", "elever-a", "elever-b", "personal-a", "personal-c")


def document(
    ticked: Iterable[str] = UNITS,
    vendors: Iterable[str] = ("v",),
    tenant: str = TENANT,
    deletions: int = 1_000_000,
    percent: float = 100,
) -> bytes:
    """The tenant document; limits so high that they hold nothing, unless told otherwise."""
    letters = dict(zip(UNITS, "ABC", strict=True))
    units = [
        {
            "code": code,
            "name": f"Skola {letter}",
            "schoolTypes": ["GR"],
            "students": {
                "orgUnits": [f"/Elever/{letter}"],
                "groups": [f"elever-{letter.lower()}@edu.se"],
            },
            "staff": {
                "orgUnits": [f"/Personal/{letter}"],
                "groups": [f"personal-{letter.lower()}@edu.se"],
            },
            "classes": {"from": "orgUnit", "pattern": f"^/Elever/{letter}/(?P<name>[^/]+)"},
            "teachingGroups": {"from": "group", "pattern": f"^kurs-{letter.lower()}-"},
            "schoolYear": {"from": "class", "pattern": "^(?P<year>\\d+)"},
        }
        for code, letter in letters.items()
    ]
    connections = [
        {
            "vendor": vendor,
            "mode": "live",
            "schoolUnits": list(ticked),
            "fields": ["email", "schoolYear"],
            "limits": {"deletions": deletions, "deletionsPercent": percent},
        }
        for vendor in vendors
    ]
    return json.dumps(
        {
            "customerId": tenant,
            "organisation": {"name": "Staden"},
            "schoolUnits": units,
            "connections": connections,
        }
    ).encode()


def profile(url: str, vendor: str = "v", concurrency: int = 4, **endpoint: Any) -> Vendor:
    """A vendor at `url` that may be spoken to as fast as one can."""
    return Vendor(
        id=vendor,
        name=vendor,
        fields=("email", "schoolYear"),
        requests_per_second=1_000_000,
        concurrency=concurrency,
        live=Endpoint(url=url, secret="env:KEY", **endpoint),
    )


def settings(folder: Path, *vendors: Vendor) -> Settings:
    """What the environment would say."""
    return Settings(
        store=SqliteAddress(folder / "skolsynk.db"),
        vendors={vendor.id: vendor for vendor in vendors},
        environ={"KEY": "egil-key"},
    )


def wanted(
    tenant: Tenant, snapshot: Snapshot, vendor: Vendor
) -> dict[str, dict[str, dict[str, Any]]]:
    """What the vendor should hold: bodies by type and externalId."""
    connection = tenant.connection(vendor.id)
    assert connection is not None
    carried = vendor_roster(select(tenant, snapshot), tenant, connection, vendor)
    found: dict[str, dict[str, dict[str, Any]]] = {t: {} for t in TYPES}
    for resource in ResourceMapper(carried, tenant, connection).resources():
        assert resource.body is not None
        found[resource.resource_type][resource.external_id] = json.loads(resource.body)
    return found


def there(server: EgilServer) -> dict[str, dict[str, dict[str, Any]]]:
    """What a vendor holds, likewise. Raises AssertionError when it holds anything twice."""
    assert not (twice := duplicates(server)), f"held more than once: {twice}"
    return {t: {b["externalId"]: b for b in server.held(t).values()} for t in TYPES}


def duplicates(server: EgilServer) -> dict[tuple[str, str], int]:
    """What a vendor holds more than once, and how often."""
    found = Counter((t, each) for t in TYPES for each in server.externalIds(t))
    return {about: n for about, n in found.items() if n > 1}


class Clock:
    """Seconds since 1970, as the test says."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Crash:
    """The process dies at the `n`-th request to the vendor, or write to the store.

    `after` is whether that one still has its effect. After it, nothing has.
    """

    at: str
    n: int
    after: bool


@dataclass(frozen=True)
class Trouble:
    """What one run meets: faults of the vendor, each with whom it befalls, and its own death."""

    faults: tuple[tuple[str | None, int, int, Fault], ...] = ()  # method, skip, times, fault
    crash: Crash | None = None

    @property
    def retry_policy(self) -> RetryPolicy:
        hangs = any(fault.hang for *_, fault in self.faults)
        return HASTY if hangs else SHORT


class Life:
    """One process's life: what the vendor and the store see of it, until its death."""

    def __init__(self, trouble: Trouble) -> None:
        self._crash = trouble.crash
        self._rules = [
            Rule(fault=fault, times=times, skip=skip, method=method)
            for method, skip, times, fault in trouble.faults
        ]
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.dead = False

    def decide(self, request: Incoming) -> Fault | None:
        """What happens to a request: the vendor's `faults`."""
        if not self.comes("request"):
            return Fault(drop=True)
        if self.dead:
            return Fault(drop=True, when="after")
        return next((fault for rule in self._rules if (fault := rule(request))), None)

    def comes(self, what: str) -> bool:
        """Whether this request or write has its effect; it may be the last."""
        with self._lock:
            if self.dead:
                return False
            self._seen[what] += 1
            if self._crash and self._crash.at == what and self._seen[what] == self._crash.n:
                self.dead = True
                return self._crash.after
            return True


class Mortal:
    """A store whose writer may die: after that, what is written is lost without a word."""

    def __init__(self, store: SQLiteStore, life: Life) -> None:
        self._store = store
        self._life = life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in WRITES:
            return method
        return lambda *given, **named: (
            method(*given, **named) if self._life.comes("write") else None
        )

    def record(self, key: LedgerKey, changes: list[LedgerChange], holder: str = "") -> None:
        """As the store does; nothing to write is no write."""
        if changes and self._life.comes("write"):
            self._store.record(key, changes, holder)


WRITES = frozenset({"acquire", "release", "set_hold", "set_approval", "save_run", "save_tenant"})


class Town:
    """A tenant with one vendor, `kind` of KINDS, whose state can be changed between runs."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        concurrency: int = 4,
        limits: tuple[int, float] = (10**6, 100),
    ) -> None:
        self.clock = Clock()
        self.server = EgilServer(strict_references=True, **KINDS[kind])
        self.state = State()
        self.key = LedgerKey(TENANT, "v", "live")
        self._folder = folder
        self._concurrency = concurrency
        self._limits = limits
        self._ids = Ids(TENANT)

    def __enter__(self) -> "Town":
        self.server.__enter__()
        self.vendor = profile(self.server.url, concurrency=self._concurrency)
        self.settings = settings(self._folder, self.vendor)
        self.store = SQLiteStore(self._folder / "skolsynk.db")
        self.become(self.state)
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()
        self.server.__exit__()

    @property
    def ledger(self) -> Ledger:
        """The connection's ledger, as it is kept."""
        return self.store.ledger(self.key)

    @property
    def tenant(self) -> Tenant:
        """The document as it stands."""
        return load_tenant(self.store.tenant(TENANT) or b"")

    @property
    def wanted(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What the vendor should hold now."""
        return wanted(self.tenant, self.state.snapshot(), self.vendor)

    def become(self, state: State) -> None:
        """The directory and the document are now so."""
        deletions, percent = self._limits
        self.state = state
        self.store.save_tenant(TENANT, document(state.ticked, deletions=deletions, percent=percent))

    def sync_context(
        self, life: Life | None = None, retry_policy: RetryPolicy = CALM
    ) -> SyncContext:
        """What a run needs; the directory is read by value."""
        snapshot = self.state.snapshot()
        store: Any = self.store if life is None else Mortal(self.store, life)
        return SyncContext(
            self.settings,
            store,
            lambda tenant: snapshot,
            retry_policy=retry_policy,
            clock=self.clock,
        )

    def run(self, trouble: Trouble | None = None) -> ConnectionReport:
        """One run; a later one than the lease of any that died before it."""
        self.clock.now += 100
        self.server.clear()
        if trouble is None:
            return sync(self.sync_context(), TENANT).connections[0]
        life = Life(trouble)
        self.server.faults = life.decide
        report = sync(self.sync_context(life, trouble.retry_policy), TENANT).connections[0]
        self.server.faults = []
        self.see_that_the_protected_are_not_named()
        return report

    def next_day(self) -> None:
        """More than a day goes by: what was refused is tried again."""
        self.clock.now += DAY + 1

    def sent(self) -> list[str]:
        """The last run's requests to the vendor."""
        return [f"{r.method} {r.path}" for r in self.server.requests]

    def see_that_the_protected_are_not_named(self) -> None:
        """No request of the last run says anything of anyone with protected identity."""
        hidden = {p for p, spot in self.state.spots.items() if spot.place and spot.protected}
        secret = [f"id{p}" for p in hidden] + [self._ids.user(f"id{p}") for p in hidden]
        for request in self.server.requests:
            said = json.dumps(request.body)
            assert not any(f'"{each}"' in said for each in secret), "a protected person was sent"

    def external_id(self, person: int) -> str:
        """A person's externalId."""
        return self._ids.user(f"id{person}")


def crowd(people: int) -> State:
    """So many people: pupils in classes of all units, a teacher for each ten, courses."""
    return State(
        {
            p: Spot(
                PLACES[9 + p % 3] if p % 10 == 0 else PLACES[3 + p % 6],
                groups=frozenset({GROUPS[p % 3]} if p % 4 == 0 else ()),
            )
            for p in range(people)
        }
    )


def as_domain(state: State) -> Domain:
    """The same directory, for a server that answers as Google does."""
    snapshot = state.snapshot()
    addresses = {user.id: user.primary_email for user in snapshot.users}
    return Domain.from_json(
        {
            "customer": {"id": TENANT, "customerDomain": "edu.se"},
            "domains": [{"domainName": "edu.se", "isPrimary": True}],
            "orgUnits": [
                {"orgUnitPath": unit.path, "orgUnitId": unit.id} for unit in snapshot.org_units
            ],
            "users": [
                {
                    "id": user.id,
                    "primaryEmail": user.primary_email,
                    "name": {"givenName": user.given_name, "familyName": user.family_name},
                    "orgUnitPath": user.org_unit_path,
                }
                for user in snapshot.users
            ],
            "groups": [
                {"id": group.id, "email": group.email, "name": group.name}
                for group in snapshot.groups
            ],
            "members": {
                group.email: [addresses[member] for member in sorted(group.members or ())]
                for group in snapshot.groups
            },
        }
    )


def with_spots(state: State, spots: Mapping[int, Spot], **more: Any) -> State:
    """The state with some people somewhere else."""
    return replace(state, spots={**state.spots, **spots}, **more)
