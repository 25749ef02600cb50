"""The public keys of the tokens that Google signs, fetched when they are needed and kept an hour.

Google publishes new keys a day or more before it signs with them. The answer may be a JWK Set
(https://www.rfc-editor.org/rfc/rfc7517) or a map of key ids to X.509 certificates.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import requests
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from addon.bounded_http import bounded_session

log = logging.getLogger(__name__)

GOOGLE = "https://www.googleapis.com/oauth2/v3/certs"
"""Where Google publishes the keys of its tokens."""
KEPT = 3600.0
"""Seconds for which an answer is used."""
UNKNOWN_AGAIN = 60.0
"""Seconds between fetches for a key id that the last answer did not have."""
FAILURE_KEPT = 5.0
"""Seconds for which an address that did not answer is not asked again."""
KINDS = ("RSA", "EC")
"""Types of keys that sign so that others can verify it."""
WITHIN = 10.0
"""Seconds that the answer may take."""

Key = RSAKey | ECKey


class CertificatesUnavailableError(Exception):
    """The keys cannot be fetched now, so that no token can be verified."""


class GoogleCertificates:
    """The keys published at `address`, by key id. `clock` gives seconds since 1970 UTC."""

    def __init__(self, address: str, clock: Callable[[], float]) -> None:
        self._address = address
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, Key] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._failed = False

    def key(self, key_id: str) -> Key | None:
        """Return the key with this id; None when there is none.

        Raises CertificatesUnavailableError.
        """
        with self._lock:
            now = self._clock()
            if self._passed(self._fetched, KEPT, now):
                self._keys, self._fetched = {}, None
                if self._failed and not self._passed(self._tried, FAILURE_KEPT, now):
                    raise CertificatesUnavailableError
                self._fetch(now)
            elif key_id not in self._keys and self._passed(self._tried, UNKNOWN_AGAIN, now):
                self._fetch(now)
            elif key_id not in self._keys and self._failed:
                raise CertificatesUnavailableError
            return self._keys.get(key_id)

    @staticmethod
    def _passed(since: float | None, seconds: float, now: float) -> bool:
        """Whether so many seconds have passed; so they have if the clock was set back."""
        return since is None or not since <= now < since + seconds

    def _fetch(self, now: float) -> None:
        """Fetch the keys; if that fails those that are known stay."""
        self._tried, self._failed = now, True
        try:
            with bounded_session() as session:
                answer = session.get(self._address, timeout=WITHIN, allow_redirects=False)
            if answer.status_code != 200:
                raise ValueError(f"the answer was {answer.status_code}")
            keys = _keys_in(answer.json())
        except (requests.RequestException, ValueError) as error:
            log.error("the certificates at %s cannot be had: %s", self._address, _why(error))
            raise CertificatesUnavailableError from None
        self._keys, self._fetched, self._failed = keys, now, False


def _keys_in(answer: Any) -> dict[str, Key]:
    """Return the keys that can verify signatures, by id. Raises ValueError if there are none."""
    found: dict[str, Key] = {}
    if not isinstance(answer, dict):
        raise ValueError("it is no object")
    listed = answer.get("keys")
    if isinstance(listed, list):
        for each in listed:
            if isinstance(each, dict) and each.get("kty") in KINDS and each.get("use") != "enc":
                _add(found, each.get("kid"), partial(JWKRegistry.import_key, each))
    else:
        for key_id, certificate in answer.items():
            _add(found, key_id, partial(RSAKey.import_key, certificate))
    if not found:
        raise ValueError("it has no keys")
    return found


def _add(found: dict[str, Key], key_id: object, read: Callable[[], object]) -> None:
    """Add a key, unless it is of another kind or malformed: one odd key spoils no other."""
    try:
        key = read()
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return
    if isinstance(key, RSAKey | ECKey) and isinstance(key_id, str):
        found[key_id] = key


def _why(error: Exception) -> str:
    return str(error) if type(error) is ValueError else type(error).__name__
