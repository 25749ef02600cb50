"""Who calls the add-on's endpoints: Google's add-on service, on behalf of a user.

The service proves itself with a token for the very URL that it calls, the user with one for the
add-on's client. Who the user is beyond that, Google's directory says, as at sign-in.
https://developers.google.com/workspace/add-ons/guides/alternate-runtimes#validate
"""

import threading

import msgspec
from cachetools import LRUCache
from msgspec import Struct
from werkzeug.datastructures import Headers

from addon.age import age
from addon.settings.values import AddonCaller
from addon.store.origin import record_origin
from addon.web.security.admission import (
    Administrator,
    SignInRefused,
    find_administrator,
    raise_unless_admitted,
)
from addon.web.security.auth import CHECKED_FOR_READING, is_trusted
from addon.web.security.google_certificates import CertificatesUnavailableError
from addon.web.security.google_tokens import (
    LIFE,
    GoogleTokenVerifier,
    InvalidTokenError,
    TokenClaims,
)
from addon.web.services import Services

REMEMBERED = 20_000
"""How many administrators' checks are remembered in a process, and how many people's refusals."""
REFUSED_FOR = 300.0
"""Seconds for which a refusal of Google's is remembered; the card says so."""


class CallRefusedError(Exception):
    """The call is refused with this HTTP status; the message says why, for our log only."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class CommonEvent(Struct, frozen=True, rename="camel"):
    """What was clicked, with its parameters, and the user's language such as `sv` or `en-GB`."""

    user_locale: str | None = ""
    parameters: dict[str, str] | None = None


class EventTokens(Struct, frozen=True, rename="camel"):
    """The tokens of an event. They are never logged."""

    system_id_token: str = ""
    user_id_token: str = ""

    def __repr__(self) -> str:
        return "EventTokens()"


class AddonEvent(Struct, frozen=True, rename="camel"):
    """The body of a call; the rest of it is not read."""

    common_event_object: CommonEvent = CommonEvent()
    authorization_event_object: EventTokens = EventTokens()


def decode_event(body: bytes) -> AddonEvent:
    """Return the event of a call. Raises CallRefusedError."""
    try:
        return msgspec.json.decode(body, type=AddonEvent)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise CallRefusedError(400, "its body is no event") from None


class CallVerifier:
    """Verifies both tokens of a call to one of the add-on's endpoints."""

    def __init__(self, caller: AddonCaller, tokens: GoogleTokenVerifier) -> None:
        self._caller = caller
        self._tokens = tokens

    def user_of(self, url: str, headers: Headers, body: bytes) -> tuple[AddonEvent, TokenClaims]:
        """Return the event and its user. `url` is the endpoint's public one.

        Every token that is there must be good. Raises CallRefusedError: 401 for a token that is
        missing or wrong, 403 for another's.
        """
        token = _bearer(headers)
        if token is not None:
            self._check_system(token, url)
        if not body:
            raise CallRefusedError(401, "it has no user token")
        try:
            event = decode_event(body)
        except CallRefusedError:
            if token is None:
                raise CallRefusedError(401, "it has no token") from None
            raise
        tokens = event.authorization_event_object
        if token is None or tokens.system_id_token not in ("", token):
            self._check_system(tokens.system_id_token, url)
        return event, self._user(tokens.user_id_token)

    def _check_system(self, token: str, url: str) -> None:
        claims = self._verified("system", token, url)
        if not claims.email_verified:
            raise CallRefusedError(401, "its system token's address is not verified")
        if claims.email != self._caller.service_account:
            raise CallRefusedError(403, "its system token is another account's")

    def _user(self, token: str) -> TokenClaims:
        claims = self._verified("user", token, self._caller.client_id)
        if not claims.sub or not claims.email or not claims.email_verified:
            raise CallRefusedError(401, "its user token names no verified account")
        return claims

    def _verified(self, kind: str, token: str, audience: str) -> TokenClaims:
        if not token:
            raise CallRefusedError(401, f"it has no {kind} token")
        try:
            return self._tokens.verify(token, audience, LIFE)
        except InvalidTokenError as error:
            raise CallRefusedError(401, f"its {kind} token is not good: {error}") from None
        except CertificatesUnavailableError:
            raise CallRefusedError(503, f"its {kind} token cannot be checked now") from None


class RememberedRefusal(Struct, frozen=True):
    """Why Google's answers refused a person at `at` (seconds since 1970 UTC)."""

    error: SignInRefused
    at: float

    def is_fresh(self, now: float) -> bool:
        """Whether the answer is still believed."""
        return age(self.at, now) < REFUSED_FOR


class AdministratorChecks:
    """Asks Google whether users are administrators.

    Of an administrator as often as for the pages, and of anybody else once in REFUSED_FOR: the
    panel shows for everybody in the domain. Whom the tenant lists is read each time.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._known: LRUCache[tuple[str, str], Administrator] = LRUCache(REMEMBERED)
        self._refused: LRUCache[tuple[str, str], RememberedRefusal] = LRUCache(REMEMBERED)

    def administrator(
        self, user: TokenClaims, trusted_for: float = CHECKED_FOR_READING
    ) -> Administrator:
        """Return the user as an administrator. Raises SignInRefused.

        Google's answer is trusted for so many seconds.
        Whose panel shows the card has installed it from the Marketplace, which is kept with the
        tenant. Raises CallRefusedError when the account that the token names has another address,
        and StoreError.
        """
        key, now = (user.sub, user.email.casefold()), self._services.clock()
        with self._lock:
            found, refused = self._known.get(key), self._refused.get(key)
        if refused is not None and refused.is_fresh(now):
            raise SignInRefused(refused.error.why, refused.error.scopes)
        if found is None or not is_trusted(found.checked, now, trusted_for):
            found = self._ask(key, user)
        raise_unless_admitted(self._services, found)
        return found

    def _ask(self, key: tuple[str, str], user: TokenClaims) -> Administrator:
        """Ask Google, and remember the answer. Raises what `administrator` raises."""
        with self._lock:
            self._known.pop(key, None)
            self._refused.pop(key, None)
        try:
            found = find_administrator(self._services, user.sub, user.email)
        except SignInRefused as error:
            if error.why != "unknown":
                with self._lock:
                    self._refused[key] = RememberedRefusal(error, self._services.clock())
            raise
        if found.email.casefold() != user.email.casefold():
            raise CallRefusedError(403, "its user's account has another address")
        record_origin(self._services.store(), found.tenant, "marketplace", found.checked)
        with self._lock:
            self._known[key] = found
        return found


def _bearer(headers: Headers) -> str | None:
    """Return the token in the headers, None without one. Raises CallRefusedError."""
    given = headers.get("Authorization")
    if given is None:
        return None
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise CallRefusedError(401, "its Authorization is no token")
    return token.strip()
