"""What has happened in the municipality: a first delivery, then a school year's usual days."""

from addon.sandbox.municipality.units import DOMAIN
from addon.sync.report import RunReport, stored_report
from tests.support.municipality import (
    NORTH,
    read_directory,
    set_up,
    student,
    sync_now,
)
from tests.support.world import World

DAY = 24 * 3600.0
MORNING = 1_794_204_000.0
"""Seven o'clock in Sweden, Monday 9 November 2026."""
SOUTH = "/Södra skolan/Elever"
ELSEWHERE = "Norra skolan 2026"
"""What somebody calls Norra skolan's organisational unit, without a thought for Skolsynk."""


def some_days(world: World) -> None:
    """A first delivery, a beginner, a leaver, a class renamed, and two whom a vendor refuses."""
    set_up(world)
    sync_now(world)
    _next_day(world)
    _enrol(world, "Tuva", "Ekdal", f"{NORTH}/3A")
    world.domain.remove_user(student(world, f"{SOUTH}/Åk 5/5A")["id"])
    sync_now(world)
    _next_day(world)
    world.domain.rename_org_unit(f"{NORTH}/4A", "4 Björk")
    sync_now(world)
    _next_day(world)
    refuse_two(world)
    read_directory(world)


def refuse_two(world: World) -> None:
    """Two start, whom a vendor does not accept."""
    for name in ("Sixten", "Saga"):
        _enrol(world, name, "Lövdahl", f"{NORTH}/2A")
    world.vendor("gleerups").fail(400, times=2, path_contains="/Users", method="POST")
    sync_now(world)
    (run,) = world.store.runs(world.tenant, 1)
    assert sum(part.refused for part in stored_report(run).connections) == 2
    sync_now(world)


def two_weeks(world: World) -> None:
    """Runs every morning: beginners and leavers, names filled in, a vendor that was away."""
    world.clock.set(MORNING)
    set_up(world)
    for day, change in enumerate(DAYS):
        world.clock.set(MORNING + day * DAY)
        change(world, day)
        sync_now(world)


def since_the_run(world: World) -> None:
    """What the next run has to do: beginners, leavers, and a class with another name."""
    beginners(world, 3)
    leavers(world, 0)
    world.domain.rename_org_unit(f"{NORTH}/5A", "5 Lönn")


def move_north(world: World) -> RunReport:
    """A whole school's people are moved to another organisational unit, and then comes a run."""
    world.domain.move_people(NORTH, f"/Elever/{ELSEWHERE}")
    return sync_now(world)


def _next_day(world: World) -> None:
    world.clock.advance(DAY)


def _enrol(world: World, given: str, family: str, org_unit: str) -> None:
    domain, local = world.domain, f"{given}.{family}".lower().replace("ö", "o")
    taken = sum(1 for user in domain.users.values() if user["primaryEmail"].startswith(local))
    address = f"{local}{taken + 1 if taken else ''}@{DOMAIN}"
    name = {"givenName": given, "familyName": family}
    domain.add_user({"primaryEmail": address, "name": name, "orgUnitPath": org_unit})


def nothing(world: World, day: int) -> None:
    """A day without changes in Workspace."""


def beginners(world: World, day: int) -> None:
    """Some start."""
    family = FAMILIES[day % len(FAMILIES)]
    for given in ("Tuva", "Sixten", "Saga", "Milo", "Alva", "Noor")[: 2 + day % 4]:
        _enrol(world, given, family, f"{NORTH}/3A")


def leavers(world: World, day: int) -> None:
    """Some leave."""
    for _ in range(3 + day % 3):
        world.domain.remove_user(student(world, f"{SOUTH}/Åk 5/5A")["id"])


def menders(world: World, day: int) -> None:
    """Somebody fills in family names that were missing, half of them each time."""
    domain = world.domain
    nameless = [user for user in domain.users.values() if not user["name"].get("familyName")]
    for user in nameless[::2]:
        domain.rename_user(user["id"], family_name="Wallin")


def away(world: World, day: int) -> None:
    """Somebody starts, and one vendor does not answer that morning."""
    beginners(world, day)
    world.vendor("binogi").fail(503, times=12)


def renamed(world: World, day: int) -> None:
    """A class gets another name."""
    world.domain.rename_org_unit(f"{NORTH}/4A", "4 Björk")


def both(world: World, day: int) -> None:
    """Some start, and some leave."""
    beginners(world, day)
    leavers(world, day)


FAMILIES = ("Ekdal", "Lövdahl", "Sandberg", "Hult", "Öhman")
DAYS = (
    *(nothing, beginners, menders, leavers, away, nothing, nothing),
    *(both, renamed, menders, leavers, beginners, nothing, nothing),
    both,
)
