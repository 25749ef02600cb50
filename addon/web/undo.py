"""The link "Ångra" beside the confirmation of what was just saved."""

from flask import flash, get_flashed_messages, has_request_context

from addon.store.records import AuditEntry
from addon.tenants.restore import is_restorable

UNDO = "undo"
"""The category of the message that is not shown: the id of the audit entry to restore."""


def offer_undo(entry: AuditEntry) -> None:
    """Let the next confirmation have a link to restore what this change replaced, if it can be."""
    if has_request_context() and is_restorable(entry.changes):
        flash(entry.id, UNDO)


def last_saved() -> str:
    """Return the id of the audit entry of what was just saved; empty if there is none."""
    found = get_flashed_messages(category_filter=[UNDO])
    return str(found[-1]) if found else ""
