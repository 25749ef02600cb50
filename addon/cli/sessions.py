"""The command that ends sessions of the pages: `revoke`."""

import argparse
import time

import msgspec

from addon.cli.stores import Commands, with_store
from addon.cli.terminal import printable
from addon.settings import Settings
from addon.store.base import Store
from addon.store.ids import new_entry_id
from addon.store.records import AccessEntry
from addon.sync.context import COMMAND_LINE
from addon.sync.report import DONE


def add_revoke_command(commands: Commands) -> None:
    """Add `revoke` to the parser."""
    text = "end the sessions of a tenant's administrators, who must sign in again"
    command = commands.add_parser("revoke", help=text, description=text)
    command.add_argument("id", metavar="ID", help="the tenant's customer id")
    whom = command.add_mutually_exclusive_group(required=True)
    whom.add_argument("--user", metavar="GOOGLEID", help="one person's sessions")
    whom.add_argument("--all", action="store_true", help="everybody's sessions")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=_revoke)


def _revoke(given: argparse.Namespace, settings: Settings) -> int:
    sub = None if given.all else given.user

    def end(store: Store) -> int:
        ended, at = store.end_sessions(given.id, sub), time.time()
        if ended:
            entry = AccessEntry(new_entry_id(at), at, COMMAND_LINE, "sessions.ended", sub or "")
            store.append_access(given.id, entry)
        return ended

    ended = with_store(settings, end)
    found = {"tenant": given.id, "ended": ended}
    said = f"{given.id}: {ended} session{'s' if ended != 1 else ''} ended"
    print(msgspec.json.encode(found).decode() if given.json else printable(said))
    return DONE
