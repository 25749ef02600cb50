"""The addresses to measure: every page, with the query parameters that people typically use."""

from collections.abc import Iterator, Mapping, Sequence

from flask import Flask
from flask.testing import FlaskClient
from msgspec import Struct

from addon.ss12000.ids import Ids
from addon.tenants.model import Tenant
from addon.web.directory.cache import TenantDirectory
from addon.web.forms.class_rules import OWN
from addon.web.presenters.findings import kinds
from addon.web.security.auth import roles

LAST = "sida=9999"
"""The last page of any list."""
VARIATIONS: Mapping[str, Sequence[str]] = {
    "/personer": (
        LAST,
        "enhet={unit}",
        "roll=student&beslut=sent",
        "sort=klass",
        "sort=-enhet&sida=9999",
        "orsak=suspended",
    ),
    "/forhandsgranska/<vendor>": ("vad=create", LAST),
    "/datakvalitet/<code>": (LAST,),
    "/korningar": ("visa=andringar", LAST),
    "/skolenheter": ("q=skola", "visa=saknas", "sort=-elever"),
    "/skolenheter/sok": ("q=skola", "q=Storköpings+kommun"),
}
PATTERNS = {
    "klasser": r"/(?P<name>[^/]{1,N})$",
    "grupper": r"^skola-(?P<name>.{1,N})@",
    "arskurser": r"(?P<year>\d{1,N})",
}
PARTS: Mapping[str, str] = {
    "/korningar/<run_id>/lage": "",
    "/skolenheter/<code>/urval/under": "?ou=%2FElever",
    "/skyddade/under": "?ou=%2FElever",
}
"""Addresses that pages request without a click, with their query strings."""


class Address(Struct, frozen=True):
    """An address of the route `rule`; `part` is true if a page requests it, not a person."""

    rule: str
    path: str
    part: bool = False


def addresses(
    app: Flask, tenant: Tenant, directory: TenantDirectory, run_id: str, entry_id: str
) -> Iterator[Address]:
    """The addresses of all routes for administrators, in the rules' order.

    `run_id` is a run that has ended and `entry_id` a change in the log that can be restored.
    """
    roster = directory.prepared.roster
    user = next(iter(roster.people))
    first = tenant.school_units[0].code
    group = next(each for each in roster.groups if each.unit == first)
    ids = Ids(tenant.customer_id)
    known = {
        "code": [unit.code for unit in tenant.school_units[:1]],
        "vendor": [connection.vendor for connection in tenant.connections],
        "mode": ["live", "test"],
        "user_id": [user],
        "run_id": [run_id],
        "entry_id": [entry_id],
        "external_id": [ids.of_group(group.unit, group.source, group.source_id)[0]],
    }
    for name, role in roles(app).items():
        method, rule = name.split(" ", 1)
        if method != "GET" or role != "administrator":
            continue
        values = dict(known)
        if rule.startswith("/datakvalitet/<"):
            values["code"] = [max(kinds(directory), key=lambda kind: len(kind.found)).code]
        for path in filled(rule, values):
            yield Address(rule, path + PARTS.get(rule, ""), rule in PARTS)
            for query in VARIATIONS.get(rule, ()):
                yield Address(rule, f"{path}?{query.format(unit=known['code'][0])}")


def filled(rule: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """The paths of a rule. Raises KeyError for a parameter that has no values in `values`."""
    head, _, rest = rule.partition("<")
    if not rest:
        return [head]
    part, _, tail = rest.partition(">")
    choice, _, name = part.rpartition(":")
    found = choice[4:-1].split(", ") if choice.startswith("any(") else values[name]
    return [f"{head}{value}{end}" for value in found for end in filled(tail, values)]


class Form(Struct, frozen=True):
    """A form of the page at `page` that computes something, and its values.

    Each time, `N` in `values` is another number, so that the result is not cached yet.
    `part` is true if the page requests a part of itself while the form is being filled in.
    """

    page: str
    action: str
    values: Mapping[str, str]
    part: bool = False

    @property
    def name(self) -> str:
        """Its name among the figures."""
        told = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"POST {self.action} {told}{' (a part)' if self.part else ''}"


def forms(tenant: Tenant) -> Iterator[Form]:
    """The forms that compute something; the first one that saves comes last."""
    code = tenant.school_units[0].code
    unit = f"/skolenheter/{code}"
    email = {"students-0-0-attribute": "primaryEmail", "students-0-0-value": "ipad-N"}
    for part in (False, True):
        yield Form(f"/forslag?enhet={code}", "/forslag", {"do": f"show:{code}"}, part)
        yield Form("/skyddade", "/skyddade", {"do": "show"}, part)
        yield Form(f"{unit}/urval", f"{unit}/urval", {"do": "show"}, part)
        yield Form(f"{unit}/urval", f"{unit}/urval", {"do": "show", **email}, part)
        yield Form(f"{unit}/urval", f"{unit}/urval", {"do": "groups", "search": "klass N"}, part)
        yield Form(f"{unit}/urval", f"{unit}/urval", {"do": "tree", "ou-search": "skola N"}, part)
        yield Form(f"{unit}/urval", f"{unit}/urval", {"do": "students:add:0"}, part)
        for what in ("klasser", "grupper", "arskurser"):
            own = {"do": "show", "rule": OWN, "source": "orgUnit", "pattern": PATTERNS[what]}
            yield Form(f"{unit}/{what}", f"{unit}/{what}", own, part)
    yield Form("/personer", "/personer/sok", {"text": "ekdal N"})
    yield Form("/leverantorer", "/leverantorer", {})


def get(client: FlaskClient, address: Address) -> tuple[int, int]:
    """Request the address once; return the status and the number of bytes."""
    headers = {"HX-Request": "true"} if address.part else {}
    response = client.get(address.path, headers=headers)
    return response.status_code, len(response.data)
