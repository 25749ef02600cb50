"""Verify the OpenID Connect tokens that Google signs.

https://developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from msgspec import Struct

from addon.web.security.google_certificates import GoogleCertificates, Key

ALGORITHMS = ("RS256", "ES256")
"""What Google signs with."""
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
SKEW = 10
"""Seconds by which Google's clock and ours may differ."""
LIFE = 3600
"""Seconds from `iat` to `exp` of the tokens that Google signs."""
LARGEST = 16_000
"""Characters of a token."""


class InvalidTokenError(Exception):
    """The token is not one that Google has signed for this audience now.

    The message says why, for our log only; it has nothing of the token.
    """


class TokenClaims(Struct, frozen=True):
    """Whom a token is about: Google's account id, its address, and whether Google verified that.

    `domain` is the hosted domain of the account, empty for a personal one; what the token does not
    say is empty.
    """

    sub: str
    email: str
    email_verified: bool
    domain: str = ""


class GoogleTokenVerifier:
    """Verifies tokens with `certificates`. `clock` gives seconds since 1970 UTC."""

    def __init__(self, certificates: GoogleCertificates, clock: Callable[[], float]) -> None:
        self._certificates = certificates
        self._clock = clock

    def verify(self, token: str, audience: str, longest: float = inf) -> TokenClaims:
        """Return the claims of a token that Google has signed for exactly `audience`.

        One whose life is longer than `longest` seconds is refused, but for SKEW.

        Raises InvalidTokenError, and CertificatesUnavailableError when it cannot be verified now.
        """
        key = self._certificates.key(_key_id(token))
        if key is None:
            raise InvalidTokenError("its key is unknown")
        claims = _signed(token, key)
        try:
            jwt.JWTClaimsRegistry(
                now=int(self._clock()),
                leeway=SKEW,
                iss={"essential": True, "values": list(ISSUERS)},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(dict(claims))
        except (JoseError, ValueError, TypeError, OverflowError) as error:
            raise InvalidTokenError(f"its claims are not valid ({type(error).__name__})") from None
        if not claims["exp"] - claims["iat"] <= longest + SKEW:
            raise InvalidTokenError("it would live too long")
        if claims.get("aud") != audience:
            raise InvalidTokenError("it is for somebody else")
        email, domain = claims.get("email"), claims.get("hd")
        return TokenClaims(
            sub=str(claims.get("sub", "")),
            email=email if isinstance(email, str) else "",
            email_verified=claims.get("email_verified") is True,
            domain=domain if isinstance(domain, str) else "",
        )


def _key_id(token: str) -> str:
    if len(token) > LARGEST:
        raise InvalidTokenError("it is too large")
    try:
        headers = extract_compact(token.encode("ascii")).headers()
        algorithm, key_id = headers.get("alg"), headers.get("kid")
    except Exception as error:  # a malformed token, whatever the library raises
        raise InvalidTokenError(f"it is malformed ({type(error).__name__})") from None
    if algorithm not in ALGORITHMS or not isinstance(key_id, str):
        raise InvalidTokenError("it is not signed as Google signs")
    return key_id


def _signed(token: str, key: Key) -> Mapping[str, Any]:
    """Return the claims of a token that was signed with `key`."""
    try:
        claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
    except Exception as error:  # an invalid token, whatever the library raises
        raise InvalidTokenError(f"its signature is not good ({type(error).__name__})") from None
    return claims
