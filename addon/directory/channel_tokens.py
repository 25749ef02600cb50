"""The tokens of channels: proofs that are checked without reading anything.

A token is the tenant and the HMAC of tenant and channel. Whoever does not have the secret can make
none, and one that was made for another channel or tenant is not valid.
"""

import hashlib
import hmac


class ChannelTokens:
    """Makes and checks tokens, by a key that is derived from the secret of the installation."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"notification channels", "sha256")
        self.name = hashlib.sha256(self._key).hexdigest()[:12]
        """Tells keys apart without saying anything of them."""

    def token(self, tenant: str, channel_id: str) -> str:
        """Return the token of a channel of the tenant."""
        text = f"{tenant}|{channel_id}".encode(errors="surrogatepass")
        return f"{tenant}.{hmac.digest(self._key, text, 'sha256').hex()}"

    def tenant_of(self, token: str, channel_id: str) -> str | None:
        """Return the tenant that the token was made for, or None if it is not the channel's."""
        tenant = token.rpartition(".")[0]
        expected = self.token(tenant, channel_id)
        valid = hmac.compare_digest(
            *(text.encode(errors="surrogatepass") for text in (expected, token))
        )
        return tenant if tenant and valid else None
