"""Tokens that Google signs: which are believed, and how often the certificates are asked for."""

import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, Response, jsonify
from joserfc.jwk import ECKey, OctKey

from addon.sandbox.google_signer import GoogleSigner
from addon.web.security.google_certificates import (
    FAILURE_KEPT,
    KEPT,
    UNKNOWN_AGAIN,
    CertificatesUnavailableError,
    GoogleCertificates,
)
from addon.web.security.google_tokens import (
    LIFE,
    SKEW,
    GoogleTokenVerifier,
    InvalidTokenError,
)
from tests.support.served import Google, Served

AUDIENCE = "https://skolsynk.example.se/addon/home"
WHO = {"sub": "1", "email": "a@example.se", "email_verified": True}


class Published:
    """An address that publishes keys, and counts how often it is asked."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))
        self.signer = GoogleSigner(lambda: self.now)
        self.asked = 0
        self.answer: Callable[[], Response] = lambda: jsonify(self.signer.published())
        self.app = Flask(__name__)

        @self.app.get("/certs")
        def certs() -> Response:
            self.asked += 1
            return self.answer()

    def verifier(self, url: str) -> GoogleTokenVerifier:
        clock = lambda: self.now  # noqa: E731
        return GoogleTokenVerifier(GoogleCertificates(url, clock), clock)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Published, str]]:
    published = Published()
    with Served(published.app) as served:
        yield published, f"{served.url}/certs"


@pytest.fixture
def published(shared: tuple[Published, str]) -> Published:
    found, _ = shared
    found.asked, found.answer = 0, lambda: jsonify(found.signer.published())
    return found


@pytest.fixture
def verifier(shared: tuple[Published, str], published: Published) -> GoogleTokenVerifier:
    return published.verifier(shared[1])


def good(published: Published, **claims: object) -> str:
    return published.signer.token(AUDIENCE, **{**WHO, **claims})


def test_a_good_token_says_who_it_is_about(
    published: Published, verifier: GoogleTokenVerifier
) -> None:
    claims = verifier.verify(good(published, hd="example.se"), AUDIENCE)
    assert (claims.sub, claims.email, claims.email_verified) == ("1", "a@example.se", True)
    assert claims.domain == "example.se"


def test_googles_map_of_x509_certificates_is_read_too() -> None:
    with Google() as google:
        verifier = GoogleTokenVerifier(GoogleCertificates(google.certs_url, time.time), time.time)
        assert verifier.verify(google.token("a@example.se", AUDIENCE), AUDIENCE).email


def test_the_clocks_may_differ_by_seconds_only(
    published: Published, verifier: GoogleTokenVerifier
) -> None:
    now = int(published.now)
    assert verifier.verify(good(published, iat=now + SKEW), AUDIENCE)
    assert verifier.verify(good(published, exp=now - SKEW + 1), AUDIENCE)
    for claims in ({"iat": now + SKEW + 1}, {"exp": now - SKEW}, {"nbf": now + SKEW + 1}):
        with pytest.raises(InvalidTokenError):
            verifier.verify(good(published, **claims), AUDIENCE)


def test_a_token_that_would_live_longer_than_is_wanted_is_refused(
    published: Published, verifier: GoogleTokenVerifier
) -> None:
    now = int(published.now)
    for begun in (0, 1800):
        whole = {"iat": now - begun, "exp": now - begun + LIFE + SKEW}
        assert verifier.verify(good(published, **whole), AUDIENCE, LIFE)
        longer = good(published, **{**whole, "exp": whole["exp"] + 1})
        assert verifier.verify(longer, AUDIENCE)
        with pytest.raises(InvalidTokenError, match="too long"):
            verifier.verify(longer, AUDIENCE, LIFE)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [AUDIENCE]},
        {"aud": AUDIENCE + "/"},
        {"exp": "never"},
        {"exp": None},
        {"exp": float("nan")},
        {"iat": None},
        {"sub": 7},
        {"iss": ["https://accounts.google.com"]},
    ],
)
def test_odd_claims_are_no_claims(
    published: Published, verifier: GoogleTokenVerifier, claims: dict[str, object]
) -> None:
    with pytest.raises(InvalidTokenError):
        verifier.verify(good(published, **claims), AUDIENCE)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.b.c.d.e", "å.b.c", "." * 20, "x" * 20_000])
def test_what_is_no_token_is_refused(verifier: GoogleTokenVerifier, token: str) -> None:
    with pytest.raises(InvalidTokenError):
        verifier.verify(token, AUDIENCE)


def test_certificates_are_kept_for_an_hour(
    published: Published, verifier: GoogleTokenVerifier
) -> None:
    for _ in range(3):
        verifier.verify(good(published), AUDIENCE)
    assert published.asked == 1
    published.now += KEPT
    verifier.verify(good(published), AUDIENCE)
    assert published.asked == 2


def test_an_unknown_key_is_asked_for_each_minute_at_most(
    published: Published, verifier: GoogleTokenVerifier
) -> None:
    verifier.verify(good(published), AUDIENCE)
    stranger = GoogleSigner(lambda: published.now, "stranger").token(AUDIENCE, **WHO)
    for _ in range(5):
        with pytest.raises(InvalidTokenError):
            verifier.verify(stranger, AUDIENCE)
    assert published.asked == 1
    published.now += UNKNOWN_AGAIN
    published.signer.use_new_key(f"new-{published.now}")
    assert verifier.verify(good(published), AUDIENCE)
    assert published.asked == 2
    for _ in range(5):
        with pytest.raises(InvalidTokenError):
            verifier.verify(stranger, AUDIENCE)
    assert published.asked == 2


def test_without_certificates_no_token_is_believed_nor_called_wrong(
    published: Published, verifier: GoogleTokenVerifier
) -> None:
    published.answer = lambda: Response(status=503)
    for _ in range(3):
        with pytest.raises(CertificatesUnavailableError):
            verifier.verify(good(published), AUDIENCE)
    assert published.asked == 1
    published.now += FAILURE_KEPT
    published.answer = lambda: jsonify(published.signer.published())
    assert verifier.verify(good(published), AUDIENCE)


def test_certificates_an_hour_old_are_not_used_when_no_new_ones_can_be_had(
    published: Published, verifier: GoogleTokenVerifier
) -> None:
    verifier.verify(good(published), AUDIENCE)
    published.now += KEPT
    published.answer = lambda: Response(status=500)
    with pytest.raises(CertificatesUnavailableError):
        verifier.verify(good(published), AUDIENCE)


def test_known_keys_are_used_while_an_unknown_one_cannot_be_asked_for(
    published: Published, verifier: GoogleTokenVerifier
) -> None:
    verifier.verify(good(published), AUDIENCE)
    published.now += UNKNOWN_AGAIN
    published.answer = lambda: Response(status=500)
    stranger = GoogleSigner(lambda: published.now, "other").token(AUDIENCE, **WHO)
    for _ in range(3):
        with pytest.raises(CertificatesUnavailableError):
            verifier.verify(stranger, AUDIENCE)
        assert verifier.verify(good(published), AUDIENCE)
    assert published.asked == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"[]",
        b"{}",
        b"null",
        b"<html>",
        b'{"keys": 7}',
        b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "sandbox-1"}]}',
        b'{"sandbox-1": "not a certificate"}',
        b"\xff\xfe",
    ],
)
def test_an_odd_answer_has_no_certificates(
    published: Published, verifier: GoogleTokenVerifier, answer: bytes
) -> None:
    published.answer = lambda: Response(answer)
    with pytest.raises(CertificatesUnavailableError):
        verifier.verify(good(published), AUDIENCE)


def test_one_odd_key_spoils_no_other(published: Published, verifier: GoogleTokenVerifier) -> None:
    odd = [
        7,
        {},
        {"kty": "RSA", "kid": "sandbox-1"},
        {"kty": "PQC", "kid": "later"},
        OctKey.generate_key(256, {"kid": "symmetric"}).as_dict(private=True),
        ECKey.generate_key("P-256", {"kid": "curve"}).as_dict(private=False),
    ]
    keys = list(published.signer.published()["keys"])
    published.answer = lambda: jsonify({"keys": [*odd, *keys]})
    assert verifier.verify(good(published), AUDIENCE)
