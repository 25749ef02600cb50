"""The states that a town can be in, and which pages matter in each."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from addon.directory.errors import DirectoryError
from addon.web.directory.snapshot_store import ReadingState, forget, save_state
from addon.web.services import Services
from tests.browser.addresses import PAGES
from tests.browser.history import move_north, some_days
from tests.support.browser_town import NORTH, Town

BAND = ("/", "/leverantorer", "/personer", "/datakvalitet", "/korningar", "/installningar")
SIGNED_OUT = ("/logga-in", "/logga-in/klar")
"""For those who have not signed in."""


class State(NamedTuple):
    """How the town is made so, and the addresses that are looked at then."""

    prepare: Callable[[Town], None]
    addresses: tuple[str, ...]


def new(town: Town) -> None:
    """Nobody has been here."""


def begun(town: Town) -> None:
    """The organisation is saved and the directory read; nothing is chosen."""
    _save(town, schoolUnits=[], connections=[], protected={})
    town.read()


def chosen(town: Town) -> None:
    """Units have been added, and nobody has said who belongs to them."""
    document = town.document()
    bare = [{**unit, "students": {}, "staff": {}} for unit in document["schoolUnits"]]
    for unit in bare:
        for rule in ("classes", "teachingGroups", "schoolYear"):
            unit.pop(rule, None)
    _save(town, schoolUnits=bare, connections=[], protected={})
    town.read()


def held(town: Town) -> None:
    """A school's organisational unit was renamed, and its pupils are not to be found."""
    town.set_up()
    town.run()
    move_north(town)
    town.read()


def refused(town: Town) -> None:
    """Somebody has said no to one hold; the other waits."""
    held(town)
    town.refuse("gleerups")


def paused(town: Town) -> None:
    """It is summer."""
    town.set_up()
    town.run()
    town.read()
    today = town.today
    _save(town, schedule={"pause": {"from": str(today), "until": str(today)}})


def in_trouble(town: Town) -> None:
    """A vendor does not answer, and the run after that cannot read the directory."""
    town.set_up()
    town.stage.vendors["binogi"].fail(503, times=1_000_000)
    town.run()
    town.stage.directory.fail("/users", status=403, reason="forbidden", times=None)
    with suppress(DirectoryError):
        town.run()
    town.stage.directory.heal()
    town.read()


def reading(town: Town) -> None:
    """The directory is being read."""
    town.set_up()
    _told(town, "reading", users=11_204, groups=812)


def unreadable(town: Town) -> None:
    """The directory could not be read."""
    town.set_up()
    _told(town, "failed", detail="Google svarar 403: behörighet saknas.")


STATES: Mapping[str, State] = {
    "new": State(new, ("/",)),
    "begun": State(
        begun,
        (
            "/",
            "/organisation",
            "/skolenheter",
            "/skolenheter/sok",
            "/forslag",
            "/leverantorer",
            "/forhandsgranska",
            "/testlage",
            "/skarpt-lage",
            "/personer",
            "/datakvalitet",
            "/korningar",
            "/sparrar",
            "/installningar/logg",
        ),
    ),
    "chosen": State(
        chosen,
        (
            "/",
            "/skolenheter",
            "/skolenheter/{unit}",
            "/skolenheter/{unit}/urval",
            "/skolenheter/{unit}/klasser",
            "/forslag",
            "/testlage",
        ),
    ),
    "settled": State(
        some_days, tuple(a for some in PAGES.values() for a in some if a not in SIGNED_OUT)
    ),
    "held": State(
        held,
        (
            *BAND,
            "/sparrar",
            "/leverantorer/gleerups",
            "/korningar/{run}",
            "/forhandsgranska",
            "/forhandsgranska/gleerups",
            "/skolenheter/{unit}",
        ),
    ),
    "refused": State(refused, ("/", "/sparrar", "/leverantorer/gleerups")),
    "paused": State(paused, ("/", "/leverantorer/gleerups", "/korningar", "/installningar")),
    "in trouble": State(
        in_trouble, ("/", "/leverantorer/binogi", "/korningar", "/korningar/{run}")
    ),
    "reading": State(reading, ("/personer", "/skolenheter", "/skolenheter/{unit}", "/sparrar")),
    "unreadable": State(unreadable, ("/personer",)),
}


def known(town: Town) -> dict[str, str]:
    """What the braces of addresses stand for."""
    domain, store = town.stage.domain, town.stage.store
    runs = [run.id for run in store.runs(town.stage.tenant, 100)] or [""]
    users = list(domain.users.values())
    units = [unit.code for unit in domain.units]
    found = {
        "run": runs[0],
        "first_run": runs[-1],
        "unit": units[0],
        "other_unit": units[-1],
        "pupil": domain.users_in(NORTH)[0]["id"] if domain.find_org_unit(NORTH) else "",
        "teacher": domain.users_in("/Personal")[0]["id"],
        "nameless": next(u["id"] for u in users if not u["name"].get("familyName")),
    }
    beginners = {"beginner": "sixten.lovdahl", "renamed": "tuva.ekdal"}
    for name, local in beginners.items():
        addressed = (u["id"] for u in users if u["primaryEmail"].startswith(local))
        found[name] = next(addressed, found["pupil"])
    return found


def _save(town: Town, **values: object) -> None:
    town.save({**town.document(), **values})


def _told(town: Town, status: str, **values: object) -> None:
    services: Services = town.services
    forget(services.store(), town.stage.tenant)
    told = ReadingState(status, services.clock(), **values)  # type: ignore[arg-type]
    save_state(services.store(), town.stage.tenant, told)
