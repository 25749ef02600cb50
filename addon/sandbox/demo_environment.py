"""The demo's environment: a sandbox domain, its sign-in, two vendors and a store of its own."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from addon.bootstrap import open_store, sync_context
from addon.cli.progress import ProgressLine
from addon.delivery.throttle import RetryPolicy
from addon.planning.ledger import LedgerKey
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.sandbox.environment import write_environment
from addon.sandbox.google_objects import JSON
from addon.sandbox.identity import IdentityProvider, add_administrators
from addon.sandbox.municipality import generate
from addon.sandbox.municipality.irregularities import PROTECTED_GROUP, PROTECTED_ORG_UNIT
from addon.sandbox.register_server import RegisterServer, sandbox_units
from addon.sandbox.side_panel import SidePanel
from addon.sandbox.vendor import SandboxVendor
from addon.sandbox.watch import Seen, Watch
from addon.settings import Settings
from addon.store.base import Store
from addon.sync.context import SyncContext
from addon.sync.report import ConnectionReport, RunReport
from addon.sync.run import sync

STUDENTS, STAFF = 240, 40
QUICK_RETRIES = RetryPolicy(first_wait=0.05)
"""Retries after a tenth of the wait of a real run."""

PROFILES = """\
# The abilities are those of the real profiles in vendors.toml; the sandbox takes more at once.

[vendors.binogi]
name = "Binogi"
groups = "classes"
placements = "one"
fields = ["email", "schoolYear", "cloudId"]
requestsPerSecond = 500
concurrency = 8

[vendors.binogi.live]
url = "env:SKOLSYNK_BINOGI_LIVE_URL"
secret = "env:SKOLSYNK_BINOGI_LIVE_KEY"

[vendors.binogi.test]
url = "env:SKOLSYNK_BINOGI_TEST_URL"
secret = "env:SKOLSYNK_BINOGI_TEST_KEY"

[vendors.gleerups]
name = "Gleerups"
groups = "all"
placements = "many"
fields = ["email", "schoolYear", "cloudId", "schoolType"]
requestsPerSecond = 500
concurrency = 8

[vendors.gleerups.live]
url = "env:SKOLSYNK_GLEERUPS_LIVE_URL"
secret = "env:SKOLSYNK_GLEERUPS_LIVE_KEY"

[vendors.gleerups.test]
url = "env:SKOLSYNK_GLEERUPS_TEST_URL"
secret = "env:SKOLSYNK_GLEERUPS_TEST_KEY"
"""
STAFF_ORG_UNIT = "/Personal"
MARKETPLACE_APP = "113774264463"
"""The app whose licence the sandbox's Marketplace is asked for."""
OPERATOR, CONTACT = "Exempelföreningen ek. för.", "support@skolsynk.example"
"""Who operates the sandbox's Skolsynk: nobody that exists."""
NAMES = {"binogi": "Binogi", "gleerups": "Gleerups"}


class StoryError(Exception):
    """The story did not go as expected; the message says what was expected."""


def expect(true: bool, what: str) -> None:
    """Raise StoryError unless `true`."""
    if not true:
        raise StoryError(what)


class DemoRun(NamedTuple):
    """A run: its report, what each vendor saw, the API queries, and how many seconds it took."""

    report: RunReport
    seen: Mapping[str, Seen]
    queries: int
    seconds: float

    def of(self, vendor: str) -> ConnectionReport:
        """Return the part of the report that is about one vendor."""
        return next(each for each in self.report.connections if each.vendor == vendor)

    @property
    def silent(self) -> bool:
        """Whether no vendor received any request."""
        return not any(seen.asked for seen in self.seen.values())


class DemoEnvironment:
    """The parts of a running demo; `test_vendors` are the vendors' test environments."""

    def __init__(
        self,
        environ: Mapping[str, str],
        store: Store,
        context: SyncContext,
        directory: DirectoryServer,
        vendors: Mapping[str, SandboxVendor],
        test_vendors: Mapping[str, SandboxVendor],
        administrators: Sequence[JSON],
        side_panel: SidePanel,
        folder: Path,
        progress: ProgressLine,
    ) -> None:
        self.environ = environ
        self.store = store
        self.sync_context = context
        self.directory = directory
        self.vendors = vendors
        self.test_vendors = test_vendors
        self.administrators = administrators
        self.side_panel = side_panel
        self.folder = folder
        self._progress = progress
        self._chosen: set[str] = set()

    @property
    def domain(self) -> Domain:
        """The domain that the story changes."""
        return self.directory.domain

    @property
    def tenant(self) -> str:
        """The tenant's id, which is Google's id of the customer."""
        return str(self.domain.customer["id"])

    def key(self, vendor: str) -> LedgerKey:
        """Return the key of a vendor's live ledger."""
        return LedgerKey(self.tenant, vendor, "live")

    def sync(self) -> DemoRun:
        """Run once, and return what happened."""
        watches = {vendor: Watch(server) for vendor, server in self.vendors.items()}
        queries, began = self.directory.queries, time.monotonic()
        with self._progress:
            report = sync(self.sync_context, self.tenant)
        seconds = time.monotonic() - began
        seen = {vendor: watch.seen() for vendor, watch in watches.items()}
        return DemoRun(report, seen, self.directory.queries - queries, seconds)

    def take_student(self, org_unit: str) -> JSON:
        """Return an ordinary student in this OU, a different one at each call.

        Raises StoryError when there is none left.
        """
        for user in self.domain.users_directly_in(org_unit):
            if user["id"] not in self._chosen and is_ordinary(self.domain, user):
                self._chosen.add(user["id"])
                return user
        raise StoryError(f"the sandbox has no pupil left in {org_unit}")

    def protected(self) -> list[JSON]:
        """Return the accounts of people with protected identity."""
        members = self.domain.members_of(PROTECTED_GROUP)
        in_group = (self.domain.find_user(each["id"]) for each in members)
        return [*filter(None, in_group), *self.domain.users_in(PROTECTED_ORG_UNIT)]


def is_ordinary(domain: Domain, user: JSON) -> bool:
    """Return whether a student is active, has a full name and is in no special group."""
    groups = [each["email"] for each in domain.groups_with(user["id"])]
    return not (
        user["suspended"]
        or user["archived"]
        or not user["name"].get("familyName")
        or user["primaryEmail"].startswith("ipad-")
        or any(each.startswith(("gast.", "skyddade@")) for each in groups)
    )


def teacher(domain: Domain) -> JSON:
    """Return somebody of the staff who is no administrator."""
    staff = domain.users_in(STAFF_ORG_UNIT)
    return next(each for each in staff if is_ordinary(domain, each) and not is_admin(each))


def is_admin(user: JSON) -> bool:
    """Return whether an account has any of an administrator's rights."""
    return bool(user.get("isAdmin") or user.get("isDelegatedAdmin"))


@contextmanager
def start_environment(folder: Path, progress: ProgressLine) -> Iterator[DemoEnvironment]:
    """Start the environment, with its data in `folder`, and stop it at the end of the `with`."""
    with ExitStack() as stack:
        directory = stack.enter_context(DirectoryServer(generate(STUDENTS, STAFF)))
        administrators = add_administrators(directory.domain)
        provider = stack.enter_context(IdentityProvider(administrators))
        lookers = [*administrators, teacher(directory.domain)]
        panel = stack.enter_context(SidePanel(lookers, directory.marketplace))
        register = stack.enter_context(RegisterServer(sandbox_units(directory.domain.units)))
        servers = {key: stack.enter_context(server) for key, server in vendor_servers().items()}
        environ = {
            **write_environment(folder, PROFILES, servers, directory.url),
            "SKOLSYNK_REGISTER": register.url,
            "SKOLSYNK_MARKETPLACE_APP": MARKETPLACE_APP,
            "SKOLSYNK_OPERATOR": OPERATOR,
            "SKOLSYNK_CONTACT": CONTACT,
            **provider.environ,
        }
        settings = Settings.from_environ(environ)
        store = open_store(settings)
        stack.callback(store.close)
        context = sync_context(settings, store, progress.reading, progress.delivering)
        context = structs.replace(context, retry_policy=QUICK_RETRIES)
        vendors = {vendor: servers[vendor, "live"] for vendor in NAMES}
        tests = {vendor: servers[vendor, "test"] for vendor in NAMES}
        yield DemoEnvironment(
            environ,
            store,
            context,
            directory,
            vendors,
            tests,
            administrators,
            panel,
            folder,
            progress,
        )


def vendor_servers() -> dict[tuple[str, str], SandboxVendor]:
    """Return the servers of PROFILES, not started, by vendor and mode."""
    return {
        (vendor, mode): SandboxVendor(f"{name}{suffix}", f"{vendor}-{mode}-key")
        for mode, suffix in (("live", ""), ("test", ", testmiljö"))
        for vendor, name in NAMES.items()
    }
