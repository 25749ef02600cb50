"""Whether a tenant's OUs or groups have changed since they were last looked at.

Google notifies of users only, unless the audit log is watched. Where only members of groups have
changed, these groups are read; any other change has everything read.
"""

import msgspec

from addon.directory.places_seen import PlacesSeen
from addon.directory.push_state import AUDIT_APPLICATIONS, ChangeMark
from addon.store.base import CacheStore
from addon.store.records import Namespace
from addon.sync.change_marks import mark_changes
from addon.sync.channels import wanted_channels
from addon.sync.context import SyncContext, load_tenant_with_licence
from addon.sync.known_places import followed, load_places
from addon.tenants.pause import current_pause

KIND, SEEN = "places-seen", "places"


def poll_places(context: SyncContext, tenant_id: str) -> bool:
    """Mark that groups and OUs are to be read if they have changed; return whether they have.

    Nothing is asked of a tenant without channels, in a pause, or whose audit log is watched.
    Raises NotFoundError, DirectoryError and StoreError.
    """
    store, now = context.store, context.clock()
    tenant, licence = load_tenant_with_licence(store, tenant_id)
    kinds = wanted_channels(context.settings, tenant, licence).kinds
    state = store.push_state(tenant_id)
    if state is None or not kinds or current_pause(tenant, now) is not None:
        return False
    live = {channel.kind for channel in state.channels if channel.is_live(now)}
    if live.issuperset(AUDIT_APPLICATIONS):
        return False
    places = load_places(store, tenant_id, now)
    seen = context.see_places(followed(tenant, places.org_units))
    namespace = Namespace(KIND, tenant_id)
    before = _seen_before(store, namespace, now)
    if seen == before:
        return False
    changed = None if before is None else seen.groups_changed_since(before)
    if changed is None:
        mark = ChangeMark(groups=True, last=now)
    else:
        mark = ChangeMark(last=now).joined(ChangeMark(members=changed))
    mark_changes(store, tenant_id, mark)
    store.put(namespace, SEEN, msgspec.msgpack.encode(seen), now)
    return True


def _seen_before(store: CacheStore, namespace: Namespace, now: float) -> PlacesSeen | None:
    item = store.get(namespace, SEEN, now)
    if item is None:
        return None
    try:
        return msgspec.msgpack.decode(item.data, type=PlacesSeen)
    except msgspec.DecodeError:
        return None  # another version of the program has packed it
