"""The tokens of channels: proofs that are checked without reading anything.

A token is the tenant and the HMAC of tenant and channel. Whoever does not have the secret can make
none, and one that was made for another channel or tenant is not valid.
"""

import hashlib
import hmac


class ChannelTokens:
    """Makes and checks tokens, by a key that is derived from the secret of the installation.

    Tokens of `earlier` secrets are valid too.
    """

    def __init__(self, secret: str, *earlier: str) -> None:
        self._key = _key_of(secret)
        self._earlier = tuple(map(_key_of, earlier))
        self.name = hashlib.sha256(self._key).hexdigest()[:12]
        """Tells keys apart without saying anything of them."""

    def token(self, tenant: str, channel_id: str) -> str:
        """Return the token of a channel of the tenant."""
        return _token(self._key, tenant, channel_id)

    def tenant_of(self, token: str, channel_id: str) -> str | None:
        """Return the tenant that the token was made for, or None if it is not the channel's."""
        tenant = token.rpartition(".")[0]
        given = token.encode(errors="surrogatepass")
        expected = (_token(key, tenant, channel_id) for key in (self._key, *self._earlier))
        valid = [
            hmac.compare_digest(text.encode(errors="surrogatepass"), given) for text in expected
        ]
        return tenant if tenant and any(valid) else None


def _key_of(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"notification channels", "sha256")


def _token(key: bytes, tenant: str, channel_id: str) -> str:
    text = f"{tenant}|{channel_id}".encode(errors="surrogatepass")
    return f"{tenant}.{hmac.digest(key, text, 'sha256').hex()}"
