"""What has happened in the town: the first delivery, and then a school year's usual days."""

from addon.sandbox.municipality.units import DOMAIN
from addon.sync.report import RunReport
from tests.support.browser_town import NORTH, Town

DAY = 24 * 3600.0
MORNING = 1_794_204_000.0
"""Seven o'clock in Sweden, Monday 9 November 2026."""
SOUTH = "/Södra skolan/Elever"
ELSEWHERE = "Norra skolan 2026"
"""What somebody calls Norra skolan's organisational unit, without a thought for Skolsynk."""


def some_days(town: Town) -> None:
    """A first delivery, a beginner, a leaver, a class renamed, and two whom a vendor refuses."""
    town.set_up()
    town.run()
    _next_day(town)
    _enrol(town, "Tuva", "Ekdal", f"{NORTH}/3A")
    town.stage.domain.remove_user(town.stage.pupil(f"{SOUTH}/Åk 5/5A")["id"])
    town.run()
    _next_day(town)
    town.stage.domain.rename_org_unit(f"{NORTH}/4A", "4 Björk")
    town.run()
    _next_day(town)
    for name in ("Sixten", "Saga"):
        _enrol(town, name, "Lövdahl", f"{NORTH}/2A")
    town.stage.vendors["gleerups"].fail(400, times=2, path_contains="/Users")
    town.run()
    town.run()
    town.read()


def two_weeks(town: Town) -> None:
    """Runs every morning: beginners and leavers, names filled in, a vendor that was away."""
    town.clock.set(MORNING)
    town.set_up()
    for day, deed in enumerate(DAYS):
        town.clock.set(MORNING + day * DAY)
        deed(town, day)
        town.run()


def since_the_run(town: Town) -> None:
    """What the next run has to do: beginners, leavers, and a class with another name."""
    beginners(town, 3)
    leavers(town, 0)
    town.stage.domain.rename_org_unit(f"{NORTH}/5A", "5 Lönn")


def move_north(town: Town) -> RunReport:
    """The organisational unit of a whole school gets another name, and then comes a run."""
    town.stage.domain.rename_org_unit(NORTH, ELSEWHERE)
    return town.run()


def _next_day(town: Town) -> None:
    town.later(DAY)


def _enrol(town: Town, given: str, family: str, org_unit: str) -> None:
    domain, local = town.stage.domain, f"{given}.{family}".lower().replace("ö", "o")
    taken = sum(1 for user in domain.users.values() if user["primaryEmail"].startswith(local))
    address = f"{local}{taken + 1 if taken else ''}@{DOMAIN}"
    name = {"givenName": given, "familyName": family}
    domain.add_user({"primaryEmail": address, "name": name, "orgUnitPath": org_unit})


def nothing(town: Town, day: int) -> None:
    """A day without changes in Workspace."""


def beginners(town: Town, day: int) -> None:
    """Some start."""
    family = FAMILIES[day % len(FAMILIES)]
    for given in ("Tuva", "Sixten", "Saga", "Milo", "Alva", "Noor")[: 2 + day % 4]:
        _enrol(town, given, family, f"{NORTH}/3A")


def leavers(town: Town, day: int) -> None:
    """Some leave."""
    for _ in range(3 + day % 3):
        town.stage.domain.remove_user(town.stage.pupil(f"{SOUTH}/Åk 5/5A")["id"])


def menders(town: Town, day: int) -> None:
    """Somebody fills in family names that were missing, half of them each time."""
    domain = town.stage.domain
    nameless = [user for user in domain.users.values() if not user["name"].get("familyName")]
    for user in nameless[::2]:
        domain.rename_user(user["id"], family_name="Wallin")


def away(town: Town, day: int) -> None:
    """Somebody starts, and one vendor does not answer that morning."""
    beginners(town, day)
    town.stage.vendors["binogi"].fail(503, times=12)


def renamed(town: Town, day: int) -> None:
    """A class gets another name."""
    town.stage.domain.rename_org_unit(f"{NORTH}/4A", "4 Björk")


def both(town: Town, day: int) -> None:
    """Some start, and some leave."""
    beginners(town, day)
    leavers(town, day)


FAMILIES = ("Ekdal", "Lövdahl", "Sandberg", "Hult", "Öhman")
DAYS = (
    *(nothing, beginners, menders, leavers, away, nothing, nothing),
    *(both, renamed, menders, leavers, beginners, nothing, nothing),
    both,
)
