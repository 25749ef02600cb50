"""The environment that pages are measured in, as a process that runs until standard input ends.

A large sandbox domain with its sign-in, its register and two vendors, and a store in which
a large municipality has used Skolsynk for a while: everybody is at one vendor, the other is in test
mode and has nothing yet, and a run that would remove too many is held. Arguments: a folder, and
how many students, staff and groups. Prints one JSON object: the `environ` of an application.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from msgspec import structs

from addon.bootstrap import open_store, sync_context
from addon.sandbox.demo_environment import PROFILES
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.documents import tenant_document
from addon.sandbox.domain import Domain
from addon.sandbox.environment import write_environment
from addon.sandbox.identity import IdentityProvider, add_administrators
from addon.sandbox.municipality import generate
from addon.sandbox.register_server import RegisterServer, sandbox_units
from addon.settings import Settings
from addon.store.base import Store
from addon.store.records import AuditEntry, RunRecord
from addon.sync.report import RunReport
from addon.sync.run import sync
from tests.support.egil_server import EgilServer

TENANT = "C0storkoping"
VENDORS = ("binogi", "gleerups")
RUNS, ENTRIES = 1_000, 500
"""Runs and audit entries of a few months."""
LEAVERS, RENAMED = 80, 300
HOUR = 3600.0


def environ(stack: ExitStack, folder: Path, domain: Domain) -> Mapping[str, str]:
    """The settings of an application; its servers run until `stack` closes."""
    directory = stack.enter_context(DirectoryServer(domain))
    provider = stack.enter_context(IdentityProvider(add_administrators(domain)))
    register = stack.enter_context(RegisterServer(sandbox_units(domain.units)))
    servers = {
        (vendor, mode): stack.enter_context(EgilServer())
        for vendor in VENDORS
        for mode in ("live", "test")
    }
    profiles = PROFILES.replace("requestsPerSecond = 500", "requestsPerSecond = 100000")
    return {
        **write_environment(folder, profiles, servers, directory.url),
        "SKOLSYNK_REGISTER": register.url,
        **provider.environ,
    }


def live(settings: Settings, store: Store, domain: Domain) -> None:
    """Simulate that the municipality has used Skolsynk for a while."""
    document = tenant_document(domain)
    first, second = document["connections"]
    second["mode"] = "off"
    store.save_tenant(TENANT, json.dumps(document).encode())
    delivered = _run(settings, store, "delivered")
    _past(store, delivered.run)
    second["mode"] = "test"
    store.save_tenant(TENANT, json.dumps(document).encode())
    pupils = [u for u in domain.users_in("/Elever") if not u["suspended"] and not u["archived"]]
    for user in pupils[:: len(pupils) // RENAMED][:RENAMED]:
        domain.rename_user(user["id"], family_name="Ekdal")
    for user in pupils[1 :: len(pupils) // LEAVERS][:LEAVERS]:
        domain.remove_user(user["id"])
    second["mode"] = "off"  # so that the run that is held sends nothing to the test mode either
    store.save_tenant(TENANT, json.dumps(document).encode())
    _run(settings, store, "held")
    second["mode"] = "test"
    store.save_tenant(TENANT, json.dumps(document).encode())
    assert first["mode"] == "live"


def _run(settings: Settings, store: Store, status: str) -> RunReport:
    report = sync(sync_context(settings, store), TENANT)
    found = {each.status for each in report.connections if each.mode != "off"}
    assert found == {status}, report.connections
    return report


def _past(store: Store, run_id: str) -> None:
    """Add runs and changes of past months: copies of the one run that was made."""
    (run,) = [each for each in store.runs(TENANT) if each.id == run_id]
    for n in reversed(range(RUNS - 1)):  # the newest last, as runs are saved
        store.save_run(_earlier(run, n))
    for n in range(ENTRIES):
        at = run.started - n * HOUR
        store.append_audit(TENANT, AuditEntry(f"{at:.0f}-bench", at, "it.admin@x.se", "runs.asked"))


def _earlier(run: RunRecord, hours: int) -> RunRecord:
    return structs.replace(
        run,
        id=f"20250101T{hours:06}Z-{hours:06x}",
        started=run.started - hours * HOUR,
        finished=(run.finished or run.started) - hours * HOUR,
    )


def main(folder: str, students: str, staff: str, groups: str) -> None:
    domain = generate(int(students), int(staff), int(groups), seed=1)
    with ExitStack() as stack:
        found = environ(stack, Path(folder), domain)
        settings = Settings.from_environ(found)
        store = open_store(settings)
        live(settings, store, domain)
        store.close()
        print(json.dumps(dict(found)), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
