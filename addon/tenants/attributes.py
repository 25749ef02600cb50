"""The attributes of a Workspace account that a document may name, as in the Directory API.

Source: the discovery document admin, directory_v1, User.
"""

from collections.abc import Mapping

from addon.validation import Fault, closest

SCALARS = frozenset(
    "id primaryEmail orgUnitPath groups aliases nonEditableAliases customerId etag kind "
    "isAdmin isDelegatedAdmin isMailboxSetup isEnrolledIn2Sv isEnforcedIn2Sv isGuestUser "
    "agreedToTerms suspended suspensionReason suspensionTime archived archivalTime "
    "changePasswordAtNextLogin creationTime lastLoginTime deletionTime ipWhitelisted "
    "includeInGlobalAddressList recoveryEmail recoveryPhone thumbnailPhotoUrl "
    "thumbnailPhotoEtag".split()
)
"""Attributes of one part, from the Directory API's User; `groups` is Skolsynk's own."""

PARTS: Mapping[str, frozenset[str]] = {
    "name": frozenset("familyName givenName fullName displayName".split()),
    "organizations": frozenset(
        "costCenter customType department description domain fullTimeEquivalent location name "
        "primary symbol title type".split()
    ),
    "languages": frozenset("languageCode customLanguage preference".split()),
    "gender": frozenset("type customGender addressMeAs".split()),
    "notes": frozenset("value contentType".split()),
    "posixAccounts": frozenset(
        "accountId gecos gid homeDirectory operatingSystemType primary shell systemId uid "
        "username".split()
    ),
}
"""Attributes of two parts whose second part is a key of the API's."""

TYPED = frozenset(
    "addresses emails externalIds ims keywords locations phones relations websites".split()
)
"""Attributes of two parts whose second part is a key or any type or customType."""

SUGGESTED = SCALARS | {f"{first}.{second}" for first, keys in PARTS.items() for second in keys}


def attribute_fault(attribute: str) -> Fault | None:
    """The fault if a dotted name is not an attribute; None if it is one."""
    first, *rest = attribute.split(".")
    if first == "customSchemas":
        if len(rest) != 2 or not all(rest):
            return Fault("", "must be customSchemas.SCHEMA.FIELD")
    elif first in PARTS:
        if len(rest) != 1 or rest[0] not in PARTS[first]:
            known = sorted(PARTS[first])
            values = (("first", first), ("keys", ", ".join(known)))
            hint = closest(".".join(rest), known)
            return Fault("", "must be {first}.KEY, where KEY is one of {keys}", values, hint)
    elif first in TYPED:
        if len(rest) != 1 or not rest[0]:
            return Fault("", "must be {first}.TYPE, such as {first}.work", (("first", first),))
    elif attribute not in SCALARS:
        hint = closest(attribute, SUGGESTED) or closest(first, [*PARTS, *TYPED])
        return Fault("", "is not an attribute of the Directory API's users", hint=hint)
    return None
