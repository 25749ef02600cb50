"""Which addresses are measured: every page that there is, with what people typically ask of it."""

from collections.abc import Iterator, Mapping, Sequence

from flask import Flask
from flask.testing import FlaskClient
from msgspec import Struct

from addon import HOUSE
from addon.tenant import Tenant
from addon.web.gate import roles
from addon.web.house import House
from addon.web.study import Desk
from addon.web.views.findings import kinds

LAST = "sida=9999"
"""The last page of any list."""
NOT_PAGES = ("/guide/", "/kom-igang")
VARIATIONS: Mapping[str, Sequence[str]] = {
    "/personer": (
        LAST,
        "enhet={unit}",
        "roll=student&beslut=sent",
        "sort=klass",
        "sort=-enhet&sida=9999",
        "orsak=suspended",
        "sok=1",
    ),
    "/forhandsgranska/<vendor>": ("vad=create", LAST),
    "/datakvalitet/<code>": (LAST,),
    "/korningar": ("visa=andringar", LAST),
    "/skolenheter": ("q=skola", "visa=saknas", "sort=-elever"),
    "/skolenheter/sok": ("q=skola", "q=Storköpings+kommun"),
}
ASKED_BY_PAGES = frozenset({"/korningar/<run_id>/lage"})
"""Parts of pages, which the pages ask for by themselves."""


class Address(Struct, frozen=True):
    """An address of the route `rule`; `part` is whether a page asks for it, not a person."""

    rule: str
    path: str
    part: bool = False


def addresses(app: Flask, tenant: Tenant, desk: Desk, run_id: str) -> Iterator[Address]:
    """The addresses of all routes that administrators get, in the rules' order."""
    user = next(iter(desk.prepared.roster.people))
    known = {
        "code": [unit.code for unit in tenant.school_units[:1]],
        "vendor": [connection.vendor for connection in tenant.connections],
        "mode": ["live", "test"],
        "user_id": [user],
        "run_id": [run_id],
    }
    for name, role in roles(app).items():
        method, rule = name.split()
        if method != "GET" or role != "administrator":
            continue
        values = dict(known)
        if rule.startswith("/datakvalitet/<"):
            values["code"] = [max(kinds(desk), key=lambda kind: len(kind.found)).code]
        for path in filled(rule, values):
            yield Address(rule, path, rule in ASKED_BY_PAGES)
            for query in VARIATIONS.get(rule, ()):
                yield Address(rule, f"{path}?{query.format(unit=known['code'][0])}")


def filled(rule: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """The paths of a rule. Raises KeyError for a part of it that nobody has thought of."""
    head, _, rest = rule.partition("<")
    if not rest:
        return [head]
    name, _, tail = rest.partition(">")
    return [
        f"{head}{value}{end}"
        for value in values[name.split(":")[-1]]
        for end in filled(tail, values)
    ]


def desk_of(app: Flask, tenant: Tenant, version: str) -> Desk:
    """The desk that the application has for the tenant. Raises NotRead and NotReady."""
    house: House = app.extensions[HOUSE]
    return house.study.desk(tenant, version, house.clock())


def get(client: FlaskClient, address: Address) -> tuple[int, int]:
    """Asks for it once: the status, and how many bytes came."""
    headers = {"HX-Request": "true"} if address.part else {}
    response = client.get(address.path, headers=headers)
    return response.status_code, len(response.data)
