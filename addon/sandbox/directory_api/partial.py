"""Partial responses: the `fields` parameter.

The syntax is that of Google's system parameters: names separated by commas, `a/b` and `a(b,c)`
for what is inside `a`, `*` for anything. A name that the resource does not have is an
error, as it is with Google.
"""

import re
from typing import Any

from addon.sandbox.directory_api.errors import DirectoryApiError

Mask = dict[str, "Mask | None"]
"""What to keep, by name; None keeps all that is inside."""

_TOKEN = re.compile(r"\s*([A-Za-z_][\w-]*|\*|[(),/])")

_NAMES = {
    "user": """addresses agreedToTerms aliases archivalTime archived
        changePasswordAtNextLogin creationTime customSchemas customerId deletionTime emails
        etag externalIds gender id ims includeInGlobalAddressList ipWhitelisted isAdmin
        isDelegatedAdmin isEnforcedIn2Sv isEnrolledIn2Sv isMailboxSetup keywords kind
        languages lastLoginTime locations name nonEditableAliases notes orgUnitPath
        organizations phones posixAccounts primaryEmail recoveryEmail recoveryPhone relations
        sshPublicKeys suspended suspensionReason thumbnailPhotoEtag thumbnailPhotoUrl
        websites""",
    "name": "displayName familyName fullName givenName",
    "group": """adminCreated aliases description directMembersCount email etag id kind name
        nonEditableAliases""",
    "member": "delivery_settings email etag id kind role status type",
    "orgUnit": """blockInheritance description etag kind name orgUnitId orgUnitPath
        parentOrgUnitId parentOrgUnitPath""",
    "domain": "creationTime domainAliases domainName etag isPrimary kind verified",
    "customer": """alternateEmail customerCreationTime customerDomain etag id kind language
        phoneNumber postalAddress""",
}
_LISTS = {
    "users": ("users", "user"),
    "groups": ("groups", "group"),
    "members": ("members", "member"),
    "orgUnits": ("organizationUnits", "orgUnit"),
    "domains": ("domains", "domain"),
}


def parse(fields: str, kind: str) -> Mask:
    """Return the mask that the parameter gives for a response of this kind (`users`, `user`...)."""
    tokens = _tokens(fields)
    mask = _selection(tokens)
    if tokens:
        raise _invalid(tokens[0])
    _check(mask, kind)
    return mask


def keep(value: Any, mask: Mask | None) -> Any:
    """Return what the mask keeps of a JSON value."""
    if mask is None:
        return value
    if isinstance(value, list):
        return [keep(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    if "*" in mask:
        return {key: keep(part, mask.get(key, mask["*"])) for key, part in value.items()}
    return {key: keep(value[key], inside) for key, inside in mask.items() if key in value}


def _tokens(fields: str) -> list[str]:
    tokens, at = [], 0
    while at < len(fields.rstrip()):
        found = _TOKEN.match(fields, at)
        if found is None:
            raise _invalid(fields[at:])
        tokens.append(found[1])
        at = found.end()
    return tokens


def _selection(tokens: list[str]) -> Mask:
    """Consume `name inside, name inside...` from the front of the tokens."""
    mask: Mask = {}
    while True:
        name = _take_name(tokens)
        inside = _inside(tokens)
        if name in mask:
            inside = _both(mask[name], inside)
        mask[name] = inside
        if not tokens or tokens[0] != ",":
            return mask
        tokens.pop(0)


def _inside(tokens: list[str]) -> Mask | None:
    following = tokens[0] if tokens else ""
    if following == "/":
        tokens.pop(0)
        name = _take_name(tokens)
        return {name: _inside(tokens)}
    if following == "(":
        tokens.pop(0)
        mask = _selection(tokens)
        if not tokens or tokens.pop(0) != ")":
            raise _invalid("(")
        return mask
    return None


def _take_name(tokens: list[str]) -> str:
    if not tokens or tokens[0] in "(),/":
        raise _invalid(tokens[0] if tokens else "")
    return tokens.pop(0)


def _both(one: Mask | None, other: Mask | None) -> Mask | None:
    if one is None or other is None:
        return None
    joined = dict(one)
    for name, inside in other.items():
        joined[name] = _both(joined[name], inside) if name in joined else inside
    return joined


def _check(mask: Mask, kind: str) -> None:
    key, item = _LISTS.get(kind, ("", kind))
    known = {"kind", "etag", "nextPageToken", key} if key else set(_NAMES[item].split())
    for name, inside in mask.items():
        if name not in known and name != "*":
            raise _invalid(name)
        if inside is not None and name == key:
            _check(inside, item)
        if inside is not None and item == "user" and name == "name":
            _check(inside, "name")


def _invalid(name: str) -> DirectoryApiError:
    return DirectoryApiError(400, f"Invalid field selection {name}", "invalidParameter", "fields")
