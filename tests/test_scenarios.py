"""Every scenario in tests/scenarios does what its expected.txt says (docs/scenarios.md).

python -m tests.test_scenarios --write NAME...    write expected.txt again; read the diff
"""

import argparse
from dataclasses import fields
from difflib import unified_diff

import pytest

from tests.support.scenario_form import HERE, Scenario, Step, names
from tests.support.scenario_runner import play
from tests.support.short_waits import short_waits


def _parameters() -> list[object]:
    found: list[object] = []
    for name in names():
        broken = Scenario.read(name).xfail
        marks = (
            [pytest.mark.xfail(reason=broken, strict=True, raises=AssertionError)] if broken else []
        )
        found.append(pytest.param(name, marks=marks))
    return found


@pytest.mark.parametrize("name", _parameters())
def test_scenario(name: str) -> None:
    scenario = Scenario.read(name)
    assert scenario.expected.exists(), f"python -m tests.test_scenarios --write {name}"
    expected = scenario.expected.read_text("utf-8").splitlines()
    found = play(scenario).splitlines()
    difference = "\n".join(
        unified_diff(expected, found, "expected.txt", "what happens", lineterm="", n=8)
    )
    assert not difference, difference


def test_every_folder_is_a_scenario_or_a_base() -> None:
    bases = {(HERE / name / Scenario.read(name).base).resolve() for name in names()}
    scenarios = {HERE / name for name in names()}
    assert {path for path in HERE.iterdir() if path.is_dir()} <= bases | scenarios


def test_every_key_is_in_the_documentation() -> None:
    told = (HERE.parents[1] / "docs/scenarios.md").read_text("utf-8")
    keys = {each.name for kind in (Scenario, Step) for each in fields(kind)} - {"name"}
    assert [key for key in sorted(keys) if key not in told] == []


def main() -> None:
    """Plays scenarios and shows, or writes, what happens."""
    parser = argparse.ArgumentParser(prog="python -m tests.test_scenarios")
    parser.add_argument("names", metavar="NAME", nargs="*", help="all, if none is named")
    parser.add_argument("--write", action="store_true", help="write expected.txt again")
    given = parser.parse_args()
    for name in given.names or names():
        scenario = Scenario.read(name)
        if given.write and scenario.xfail:
            print(f"{name} is left as it is: its expected.txt says what ought to happen")
        elif given.write:
            scenario.expected.write_text(play(scenario), "utf-8")
        else:
            print(play(scenario), end="")


if __name__ == "__main__":
    with short_waits():
        main()
