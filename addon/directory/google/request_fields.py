"""What is asked for of users and groups: only what the selection needs."""

from collections.abc import Sequence

from addon.directory.google.responses import ALL_SCHEMAS

USER_FIELDS = ("id", "primaryEmail", "name", "orgUnitPath", "suspended", "archived", "deletionTime")
GROUP_FIELDS = "id,email,name,aliases,directMembersCount,description"
GROUP_STATE_FIELDS = f"{GROUP_FIELDS},etag"


def user_fields(attributes: Sequence[str]) -> tuple[str, ...]:
    """Return the fields of a user to request, with those that the dotted attributes are in."""
    roots = {attribute.split(".")[0] for attribute in attributes}
    return (*USER_FIELDS, *sorted(roots - set(USER_FIELDS)))


def projection(attributes: Sequence[str]) -> dict[str, str]:
    """Read custom schemas only if a filter or pattern mentions them, or if all are wanted."""
    if ALL_SCHEMAS in attributes:
        return {"projection": "full"}
    parts = [attribute.split(".") for attribute in attributes]
    schemas = sorted({part[1] for part in parts if part[0] == "customSchemas"})
    if not schemas:
        return {"projection": "basic"}
    return {"projection": "custom", "customFieldMask": ",".join(schemas)}


def in_org_unit(path: str | None) -> dict[str, str]:
    """Return the query for the users in an OU and below it; none for the whole customer."""
    if path is None or path == "/":
        return {}
    sent = path.encode(errors="ignore").decode()  # a URL takes no lone surrogate
    return {"query": "orgUnitPath='{}'".format(sent.replace("\\", "\\\\").replace("'", "\\'"))}
