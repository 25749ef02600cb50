"""The command `propose`: what would be set up for each school unit of a document."""

import argparse
import sys
import time

import msgspec

from addon.bootstrap import open_register, read_directory
from addon.cli import output
from addon.cli.progress import ProgressLine
from addon.cli.stores import Commands, with_store
from addon.cli.terminal import printable_json
from addon.directory.scope import attributes_of
from addon.proposals.summary import ProposedTenant, proposed_tenant
from addon.roster.index import DirectoryIndex
from addon.school_register.model import ACTIVE, RegisterUnit
from addon.settings import Settings
from addon.store.base import Store
from addon.sync.context import load_tenant_or_raise
from addon.sync.proposal_answers import load_answers
from addon.sync.protected_set import load_protection
from addon.sync.report import DONE
from addon.web.directory.snapshot_store import select_everybody, without_identifying_fields


def add_propose_command(commands: Commands) -> None:
    """Add `propose` to the parser."""
    text = "what would be set up for each school unit; stores nothing"
    command = commands.add_parser("propose", help=text, description=text)
    command.add_argument("id", metavar="ID", help="the tenant's customer id")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=_propose)


def _propose(given: argparse.Namespace, settings: Settings) -> int:
    found = with_store(settings, lambda store: propose_for(settings, store, given.id))
    if given.json:
        print(printable_json(msgspec.json.encode(found), sys.stdout.encoding))
    else:
        print(output.proposed(found))
    return DONE


def propose_for(settings: Settings, store: Store, tenant_id: str) -> ProposedTenant:
    """Read the whole directory and return what would be set up for each unit of the document.

    Nothing is stored, nobody who is protected is counted, and no place that was declined is
    proposed. Raises NotFoundError, DirectoryError and StoreError.
    """
    tenant = load_tenant_or_raise(store, tenant_id)
    with ProgressLine(sys.stderr) as progress:
        snapshot = read_directory(settings, select_everybody(tenant), progress.reading)
    snapshot = snapshot.without(load_protection(store, tenant_id).hidden)
    read = without_identifying_fields(snapshot, time.time(), attributes_of(tenant))
    statuses = open_register(settings, store, time.time).statuses(
        tenant_id, [unit.code for unit in tenant.school_units]
    )
    units = [
        RegisterUnit(
            unit.code,
            unit.name,
            statuses.get(unit.code, ACTIVE),
            unit.municipality_code,
            unit.school_types,
        )
        for unit in tenant.school_units
    ]
    index = DirectoryIndex(tenant.protected, read.snapshot)
    declined = load_answers(store, tenant_id, time.time()).declined
    return proposed_tenant(index, units, tenant, declined)
