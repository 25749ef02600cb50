"""The secrets that sign sessions and the tokens of channels: the first signs, all are valid.

To replace one, name the new one after the old one, wait until every process knows both, and then
before it; leave out the old one when what it signed is over.
"""

import secrets
from collections.abc import Callable

from addon.bootstrap import secret_manager
from addon.settings import Settings
from addon.store.base import CacheStore
from addon.store.records import Namespace

SECRETS = Namespace("session")
REFERENCE = "secretmanager:"


class SigningKeys:
    """The secrets of the setting, or one that is made once in the store."""

    def __init__(
        self, settings: Settings, store: Callable[[], CacheStore], clock: Callable[[], float]
    ) -> None:
        self._given = settings.web.session_secret
        self._store = store
        self._clock = clock
        self._kept: tuple[str, ...] = ()

    def __call__(self) -> tuple[str, ...]:
        """Return the secrets; those in Secret Manager are as new as five minutes.

        Raises NotConfigured and StoreError.
        """
        if self._given is not None:
            found = (_resolved(each) for each in self._given.split())
            return tuple(key for text in found for key in text.split())
        if not self._kept:
            self._kept = (self._from_store(),)
        return self._kept

    def _from_store(self) -> str:
        store, now = self._store(), self._clock()
        kept = store.get(SECRETS, "secret", now)
        if kept is None:
            store.put_if_absent(SECRETS, "secret", secrets.token_hex(32).encode(), now)
            kept = store.get(SECRETS, "secret", now)
        assert kept is not None
        return kept.data.decode()


def _resolved(given: str) -> str:
    name = given.removeprefix(REFERENCE)
    return given if name == given else secret_manager()(name)
