"""What people look for by name: kept in the store for a while, and in no address or cookie.

An address is seen by many: the browser's history, logs, whoever it is sent to. It has a token that
stands for the words, so that going back, reloading and passing it on to a colleague all work.
"""

import secrets

from addon.store.records import Namespace
from addon.web.request_context import RequestContext

LASTS = 2 * 3600.0
"""Seconds for which the words are kept."""
LONGEST = 100
TOKEN = 16
"""Bytes of a token: nobody guesses one."""


def remember(ctx: RequestContext, words: str) -> str:
    """A token for the words; empty for none. Raises StoreError."""
    words = " ".join(words.split())[:LONGEST]
    if not words:
        return ""
    token = secrets.token_urlsafe(TOKEN)
    ctx.store.put(_namespace(ctx), token, words.encode(), ctx.now, ctx.now + LASTS)
    return token


def recall(ctx: RequestContext, token: str) -> str | None:
    """The words that a token stands for; None when they are gone. Raises StoreError."""
    if not 0 < len(token) <= 2 * TOKEN or not token.replace("-", "").replace("_", "").isalnum():
        return None
    item = ctx.store.get(_namespace(ctx), token, ctx.now)
    return None if item is None else item.data.decode()


def _namespace(ctx: RequestContext) -> Namespace:
    return Namespace("search", ctx.tenant_id)
