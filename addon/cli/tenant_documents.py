"""The commands of `tenant`: import, export, list and delete documents."""

import argparse
import sys
import time
from pathlib import Path

import msgspec

from addon.bootstrap import open_register, raise_unless_own_reader, sync_context
from addon.cli import output
from addon.cli.stores import Commands, UsageError, with_store
from addon.cli.terminal import SafeStream, printable
from addon.school_register.ownership import raise_unless_own_units
from addon.settings import Settings
from addon.store.base import Store
from addon.store.tenant_updates import TenantEdit, update_tenant
from addon.sync.context import COMMAND_LINE
from addon.sync.deletion import delete_tenant
from addon.sync.report import DONE
from addon.tenants.diff import changes
from addon.tenants.document import decode_tenant, load_tenant
from addon.tenants.model import Tenant


def add_tenant_commands(commands: Commands) -> None:
    """Add `tenant` and its actions to the parser."""
    tenant = commands.add_parser(
        "tenant", help="tenant documents: import, export, list, delete; the pages save the same"
    )
    documents = tenant.add_subparsers(metavar="ACTION", required=True)
    command = documents.add_parser(
        "import", help="check a document whole, and keep it if it has no fault"
    )
    command.add_argument("file", metavar="FILE", help="the document; - is standard input")
    command.add_argument(
        "--confirm",
        action="store_true",
        help="take school units that the register has as another organiser's",
    )
    command.set_defaults(run=_import)
    command = documents.add_parser("export", help="print a document as it is kept, by whomever")
    command.add_argument("id", metavar="ID")
    command.set_defaults(run=_export)
    documents.add_parser("list", help="print the ids of all tenants").set_defaults(run=_list)
    command = documents.add_parser(
        "delete", help="remove everything that is stored of a tenant, when no vendor has anything"
    )
    command.add_argument("id", metavar="ID")
    command.add_argument(
        "--abandon", action="store_true", help="leave at the vendors what they still have"
    )
    command.set_defaults(run=_delete)


def _import(given: argparse.Namespace, settings: Settings) -> int:
    if given.file == "-" and sys.stdin is None:
        raise UsageError("standard input is closed")
    try:
        data = sys.stdin.buffer.read() if given.file == "-" else Path(given.file).read_bytes()
    except OSError as error:
        raise UsageError(f"{given.file} cannot be read: {error.strerror}") from None
    tenant = decode_tenant(data, settings.vendors)
    with_store(settings, lambda store: _check_reader(settings, store, tenant))
    if not given.confirm:
        with_store(settings, lambda store: _check_units(settings, store, tenant))
    with_store(settings, lambda store: _keep(store, tenant, data))
    print(printable(f"{tenant.customer_id} imported: {output.document(tenant)}"))
    return DONE


def _check_reader(settings: Settings, store: Store, tenant: Tenant) -> None:
    """Raise DocumentError if a new delegatedAdmin is, as Google answers, not the customer's."""
    stored = store.tenant(tenant.customer_id)
    before = _readable(stored)
    if before is not None and before.delegated_admin == tenant.delegated_admin:
        return
    raise_unless_own_reader(settings, tenant)


def _check_units(settings: Settings, store: Store, tenant: Tenant) -> None:
    """Raise DocumentError if a new school unit is another organiser's, as the register says."""
    before = _readable(store.tenant(tenant.customer_id))
    raise_unless_own_units(open_register(settings, store, time.time), before, tenant)


def _keep(store: Store, tenant: Tenant, data: bytes) -> None:
    """Save the document byte for byte, and record its changes in the audit log."""

    def change(stored: bytes | None) -> TenantEdit | None:
        return None if stored == data else TenantEdit(data, changes(_readable(stored), tenant))

    update_tenant(
        store,
        tenant.customer_id,
        change,
        actor=COMMAND_LINE,
        action="document.imported",
        clock=time.time,
        own_units=False,  # the operator is told
    )


def _readable(stored: bytes | None) -> Tenant | None:
    try:
        return None if stored is None else load_tenant(stored)
    except msgspec.DecodeError:
        return None  # written by an earlier version with another schema; it is replaced whole


def _export(given: argparse.Namespace, settings: Settings) -> int:
    document = with_store(settings, lambda store: store.tenant(given.id))
    if document is None:
        raise UsageError(f"there is no tenant {given.id}; `tenant list` prints those there are")
    _output_bytes(document)
    return DONE


def _list(given: argparse.Namespace, settings: Settings) -> int:
    for tenant in with_store(settings, lambda store: store.tenants()):
        print(tenant)
    return DONE


def _delete(given: argparse.Namespace, settings: Settings) -> int:
    existed = with_store(
        settings,
        lambda store: delete_tenant(sync_context(settings, store), given.id, given.abandon),
    )
    done = "deleted" if existed else "there was no such tenant, and nothing is left of it"
    print(printable(f"{given.id}: {done}"))
    return DONE


def _output_bytes(data: bytes) -> None:
    """Write bytes to standard output as they are."""
    assert isinstance(sys.stdout, SafeStream)  # in `main`
    sys.stdout.write_bytes(data)
