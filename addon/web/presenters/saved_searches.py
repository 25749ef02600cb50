"""Searches for people by name: kept in the store for a limited time, in no address or cookie.

Addresses are visible to many: in the browser's history, in logs, to anyone they are sent to. The
address has a token in place of the words, so that going back, reloading and sharing it with a
colleague all work.
"""

import secrets

from addon.store.base import CacheStore
from addon.store.records import Namespace

LASTS = 2 * 3600.0
"""Seconds for which the words are kept."""
LONGEST = 100
TOKEN = 16
"""Bytes of a token, too many to guess."""


def save_search(store: CacheStore, tenant_id: str, words: str, now: float) -> str:
    """Store the words and return their token; empty for no words. Raises StoreError."""
    words = " ".join(words.split())[:LONGEST]
    if not words:
        return ""
    token = secrets.token_urlsafe(TOKEN)
    store.put(_namespace(tenant_id), token, words.encode(), now, now + LASTS)
    return token


def find_search(store: CacheStore, tenant_id: str, token: str, now: float) -> str | None:
    """Return the words of a token; None if they are no longer stored. Raises StoreError."""
    if not 0 < len(token) <= 2 * TOKEN or not token.replace("-", "").replace("_", "").isalnum():
        return None
    item = store.get(_namespace(tenant_id), token, now)
    return None if item is None else item.data.decode()


def _namespace(tenant_id: str) -> Namespace:
    return Namespace("search", tenant_id)
