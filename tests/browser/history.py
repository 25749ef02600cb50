"""What has happened in the town: the first delivery, and then a school year's usual days."""

from addon.report import RunReport
from addon.sandbox.municipality.units import DOMAIN
from tests.browser.town import NORTH, Town

DAY = 24 * 3600.0
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


def move_north(town: Town) -> RunReport:
    """The organisational unit of a whole school gets another name, and then comes a run."""
    town.stage.domain.rename_org_unit(NORTH, ELSEWHERE)
    return town.run()


def _next_day(town: Town) -> None:
    town.later(DAY)


def _enrol(town: Town, given: str, family: str, org_unit: str) -> None:
    address = f"{given}.{family}@{DOMAIN}".lower().replace("ö", "o")
    name = {"givenName": given, "familyName": family}
    town.stage.domain.add_user({"primaryEmail": address, "name": name, "orgUnitPath": org_unit})
