"""What the EGIL profile of SS 12000:2018 requires of a resource beyond its SCIM schemas."""

from collections.abc import Iterator, Mapping
from typing import Any

SCHOOL_USER = "urn:scim:schemas:extension:sis:school:1.0:User"

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Organisations": ("externalId", "displayName"),
    "SchoolUnitGroups": ("externalId", "displayName"),
    "SchoolUnits": ("externalId", "displayName", "schoolUnitCode"),
    "Users": ("externalId", "userName", "displayName", "name.familyName", "name.givenName"),
    "Employments": ("externalId", "employedAt", "user", "employmentRole"),
    "StudentGroups": ("externalId", "displayName", "owner"),
    "Activities": ("externalId", "displayName", "owner"),
}
REFERENCES: Mapping[str, tuple[str, ...]] = {
    "organisation": ("Organisations",),
    "schoolUnitGroup": ("SchoolUnitGroups",),
    "enrolments": ("SchoolUnits",),
    "employedAt": ("SchoolUnits", "Organisations"),
    "user": ("Users",),
    "owner": ("SchoolUnits", "Organisations"),
    "studentMemberships": ("Users",),
    "groups": ("StudentGroups",),
    "teachers": ("Employments",),
    "parentActivity": ("Activities",),
}


def objections(endpoint: str, resource: Mapping[str, Any]) -> Iterator[str]:
    """Yield a message for each fault of a resource, naming the attribute.

    It checks the required attributes and the form of references, `{"value": externalId, "$ref":
    "Endpoint/externalId"}`, as in the project's wire format.
    """
    for attribute in REQUIRED.get(endpoint, ()):
        if _blank(resource, attribute):
            yield f"{attribute} is required and is missing"
    extension = resource.get(SCHOOL_USER)
    attributes = {**resource, **(extension if isinstance(extension, dict) else {})}
    for attribute, endpoints in REFERENCES.items():
        value = attributes.get(attribute) or []
        for reference in value if isinstance(value, list) else [value]:
            if _blank(reference, "value"):
                yield f"{attribute}.value is required and is missing"
            elif reference.get("$ref") not in [f"{e}/{reference['value']}" for e in endpoints]:
                yield f"{attribute}.$ref must be {endpoints[0]}/{reference['value']}"


def _blank(resource: object, dotted: str) -> bool:
    value = resource
    for name in dotted.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return not (value.strip() if isinstance(value, str) else value)
