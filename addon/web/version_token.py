"""Hashes of values, and the version tokens that forms carry for the part of a document they show.

A token is the hash of the part and the second in which the form was shown, with a hyphen between.
"""

from hashlib import sha256

import msgspec


def value_hash(value: object) -> str:
    """Return a hash of a value, such as a part of the document, by its JSON."""
    return sha256(msgspec.json.encode(value)).hexdigest()[:16]


def token_of(value: object, now: float) -> str:
    """Return the version token of a part shown at `now`, in seconds since 1970 UTC."""
    return f"{value_hash(value)}-{int(now)}"


def hash_in(version_token: str | None) -> str:
    """Return the hash that the token has of the part; empty without a token."""
    return (version_token or "").partition("-")[0]


def time_in(version_token: str | None) -> float:
    """Return when the form was shown, in seconds since 1970 UTC; 0 if the token has no time."""
    at = (version_token or "").partition("-")[2]
    return float(at) if at.isdecimal() and len(at) < 16 else 0.0
