"""Signs tokens in Google's place, and publishes the keys that they are verified with."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

ISSUER = "https://accounts.google.com"
LIFE = 3600
"""Seconds for which a token is valid."""


class GoogleSigner:
    """Signs with a key of its own, made when it is created."""

    def __init__(self, clock: Callable[[], float] = time.time, key_id: str = "sandbox-1") -> None:
        self._clock = clock
        self._keys: dict[str, RSAKey] = {}
        self.use_new_key(key_id)

    def use_new_key(self, key_id: str) -> None:
        """Sign with a new key from now on; earlier ones are still published."""
        self._keys[key_id] = RSAKey.generate_key(
            2048, {"kid": key_id, "use": "sig", "alg": "RS256"}
        )
        self._key_id = key_id

    def published(self) -> Mapping[str, Any]:
        """Return the public keys as a JWK Set."""
        return dict(KeySet(list(self._keys.values())).as_dict(private=False))

    def token(self, audience: str, **claims: Any) -> str:
        """Return a token for `audience` with these claims; one that is None is left out."""
        now = int(self._clock())
        whole = {"iss": ISSUER, "aud": audience, "iat": now, "exp": now + LIFE, **claims}
        told = {name: value for name, value in whole.items() if value is not None}
        header = {"alg": "RS256", "kid": self._key_id, "typ": "JWT"}
        return jwt.encode(header, told, self._keys[self._key_id], algorithms=["RS256"])

    def account_token(self, audience: str, account: Mapping[str, Any], **claims: Any) -> str:
        """Return a token that says who has signed in: an account in the Directory API's form."""
        email = account["primaryEmail"]
        said = {"email": email, "email_verified": True, "hd": email.rpartition("@")[2]}
        return self.token(audience, **{"sub": account["id"], **said, **claims})

    def service_token(self, audience: str, address: str, **claims: Any) -> str:
        """Return a token of a service account."""
        said = {"sub": "113774264463038321964", "email": address, "email_verified": True}
        return self.token(audience, **{**said, **claims})
