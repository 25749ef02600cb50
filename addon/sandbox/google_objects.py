"""Complete Directory API objects, made from the few values that are given.

Ids that are not given are derived from the address or the path, so that the same domain always
has the same ids. Key names and kinds are those of the discovery document admin.directory_v1.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

JSON = dict[str, Any]

CREATED = "2024-08-12T06:30:00.000Z"
LAST_LOGIN = "2025-09-15T07:02:11.000Z"
DELETED = "2025-10-01T12:00:00.000Z"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _number(kind: str, text: str) -> int:
    digest = blake2b(f"{kind}:{text.lower()}".encode(), digest_size=12).digest()
    return int.from_bytes(digest, "big")


def _letters(kind: str, text: str, length: int) -> str:
    number, letters = _number(kind, text), []
    for _ in range(length):
        number, digit = divmod(number, 36)
        letters.append(_DIGITS[digit])
    return "".join(letters)


def user_id(address: str) -> str:
    """Return 21 digits, as Google would give a user, derived from the address."""
    return f"1{_number('user', address) % 10**20:020}"


def group_id(address: str) -> str:
    """Return the id of the group created with this address."""
    return f"01{_letters('group', address, 13)}"


def org_unit_id(path: str) -> str:
    """Return the id of the OU created at this path."""
    return f"id:03ph8a2z{_letters('orgUnit', path, 7)}"


def etag(*parts: object) -> str:
    """Return a quoted entity tag that depends on the parts."""
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=15).digest()
    return f'"{urlsafe_b64encode(digest).decode()}"'


def addresses_of(thing: Mapping[str, Any]) -> list[str]:
    """Return all addresses of a user or group in lower case, the primary first."""
    first = thing["primaryEmail"] if "primaryEmail" in thing else thing["email"]
    return [first.lower(), *(alias.lower() for alias in thing.get("aliases", ()))]


def set_name(user: JSON, given: str | None, family: str | None) -> None:
    """Set the user's name; an empty part is left out."""
    parts = {"givenName": given or "", "familyName": family or ""}
    name = {key: part for key, part in parts.items() if part}
    user["name"] = {**name, "fullName": " ".join(name.values())}


def set_addresses(user: JSON, primary: str, aliases: list[str]) -> None:
    """Set the user's addresses in every key where Google shows them."""
    user["primaryEmail"] = primary
    user["emails"] = [
        {"address": primary, "primary": True},
        *({"address": alias} for alias in aliases),
    ]
    if aliases:
        user["aliases"] = aliases
    else:
        user.pop("aliases", None)


def whole_user(given: Mapping[str, Any], customer: str) -> JSON:
    """Return the user as Google shows it; `given` needs only `primaryEmail`."""
    address = str(given["primaryEmail"]).lower()
    identity = str(given.get("id") or user_id(address))
    name = given.get("name", {})
    user: JSON = {
        "kind": "admin#directory#user",
        "id": identity,
        "etag": etag("user", identity, 0),
        "isAdmin": False,
        "isDelegatedAdmin": False,
        "lastLoginTime": LAST_LOGIN,
        "creationTime": CREATED,
        "agreedToTerms": True,
        "suspended": False,
        "archived": False,
        "changePasswordAtNextLogin": False,
        "ipWhitelisted": False,
        "languages": [{"languageCode": "sv", "preference": "preferred"}],
        "customerId": customer,
        "orgUnitPath": "/",
        "isMailboxSetup": True,
        "isEnrolledIn2Sv": False,
        "isEnforcedIn2Sv": False,
        "includeInGlobalAddressList": True,
        **given,
    }
    user["id"] = identity
    set_name(user, name.get("givenName"), name.get("familyName"))
    set_addresses(user, address, list(given.get("aliases", ())))
    if user["suspended"]:
        user.setdefault("suspensionReason", "ADMIN")
    return user


def whole_group(given: Mapping[str, Any]) -> JSON:
    """Return the group as Google shows it; `given` needs only `email`."""
    address = str(given["email"]).lower()
    identity = str(given.get("id") or group_id(address))
    return {
        "kind": "admin#directory#group",
        "etag": etag("group", identity, 0),
        "name": address.partition("@")[0],
        "directMembersCount": "0",
        "description": "",
        "adminCreated": True,
        **given,
        "id": identity,
        "email": address,
    }


def whole_org_unit(given: Mapping[str, Any], parent: Mapping[str, Any] | None) -> JSON:
    """Return the OU as Google shows it; `given` needs only `orgUnitPath`.

    The root has no parent.
    """
    path = str(given["orgUnitPath"])
    identity = str(given.get("orgUnitId") or org_unit_id(path))
    unit: JSON = {
        "kind": "admin#directory#orgUnit",
        "etag": etag("orgUnit", identity, 0),
        "name": path.rpartition("/")[2],
        "description": "",
        **given,
        "orgUnitId": identity,
    }
    if parent is not None:
        unit["parentOrgUnitPath"] = parent["orgUnitPath"]
        unit["parentOrgUnitId"] = parent["orgUnitId"]
    return unit


def whole_customer(given: Mapping[str, Any]) -> JSON:
    """Return the customer as Google shows it."""
    return {
        "kind": "admin#directory#customer",
        "etag": etag("customer", given.get("id", "")),
        "id": "C0storkoping",
        "customerDomain": "edu.storkoping.se",
        "alternateEmail": "it@storkoping.example",
        "customerCreationTime": "2015-03-02T09:00:00.000Z",
        "language": "sv",
        "postalAddress": {"organizationName": "Storköpings kommun", "countryCode": "SE"},
        **given,
    }


def whole_domain(given: Mapping[str, Any]) -> JSON:
    """Return a verified domain as Google shows it; `given` needs only `domainName`."""
    return {
        "kind": "admin#directory#domain",
        "etag": etag("domain", given["domainName"]),
        "isPrimary": False,
        "verified": True,
        "creationTime": "1425286800000",
        **given,
    }


def member(identity: str, kind: str, role: str, email: str | None, status: str | None) -> JSON:
    """Return a member of a group; `email` and `status` are left out when None."""
    shown = {"email": email, "role": role, "type": kind, "status": status}
    return {
        "kind": "admin#directory#member",
        "etag": etag("member", identity, role),
        "id": identity,
        **{key: value for key, value in shown.items() if value is not None},
    }
