"""The form of a scenario file (docs/scenarios.md): read strictly, so that a slip is told."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

JSON = dict[str, Any]

HERE = Path(__file__).parents[1] / "scenarios"


class FormError(Exception):
    """A scenario file is not right; the message says where."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens, then a command. Faults and environment last for the step alone."""

    what: str
    directory: list[JSON] = field(default_factory=list)
    document: JSON = field(default_factory=dict)
    server: dict[str, JSON] = field(default_factory=dict)
    vendor_loses: list[JSON] = field(default_factory=list)
    faults: list[JSON] = field(default_factory=list)
    directory_faults: list[JSON] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    hours_later: float = 0
    pause_ends_in_days: int | None = None
    store_is_lost: bool = False
    run: str = "sync"
    counted: bool = False


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A scenario as it was written; `profile` and `server` are by vendor id."""

    name: str
    about: str
    step: list[Step]
    base: str = "../base"
    begins: Literal["synced", "empty"] = "synced"
    raw: bool = False
    directory: list[JSON] = field(default_factory=list)
    document: JSON = field(default_factory=dict)
    profile: dict[str, JSON] = field(default_factory=dict)
    server: dict[str, JSON] = field(default_factory=dict)
    not_quiet: str = ""
    xfail: str = ""

    @classmethod
    def read(cls, name: str) -> Self:
        """The scenario in tests/scenarios/NAME. Raises FormError."""
        path = HERE / name / "scenario.toml"
        try:
            given = tomllib.loads(path.read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise FormError(f"{path}: {error}") from None
        if "name" in given:
            raise FormError(f"{name}: its folder's name is its name")
        steps = [
            _made(Step, each, f"{name}, step {n}")
            for n, each in enumerate(given.get("step", ()), 1)
        ]
        scenario: Self = _made(cls, {**given, "name": name, "step": steps}, name)
        if scenario.begins not in ("synced", "empty"):
            raise FormError(f'{name}: begins is "synced" or "empty"')
        return scenario

    def base_text(self, file: str) -> str:
        """A file of the folder that the scenario starts from."""
        return (HERE / self.name / self.base / file).read_text("utf-8")

    @property
    def expected(self) -> Path:
        """The file with what must happen."""
        return HERE / self.name / "expected.txt"


def names() -> list[str]:
    """The names of all scenarios."""
    return sorted(path.parent.name for path in HERE.glob("*/scenario.toml"))


def _made(kind: type[Any], given: Mapping[str, Any], place: str) -> Any:
    known = {each.name for each in fields(kind)}
    if unknown := sorted(given.keys() - known):
        raise FormError(f"{place}: {unknown[0]} is not one of {', '.join(sorted(known))}")
    try:
        return kind(**given)
    except TypeError as error:
        raise FormError(f"{place}: {error}") from None


def merge(into: Any, patch: Mapping[str, Any], place: str = "") -> None:
    """Puts the patch into a document: tables are merged, everything else is replaced.

    An entry of a list of objects goes by its `vendor`, `code` or `name`. Raises FormError.
    """
    for key, value in patch.items():
        here = f"{place}.{key}" if place else key
        if isinstance(into, list):
            merge(_entry(into, key, here), value, here)
        elif isinstance(value, dict) and isinstance(into.get(key), dict | list):
            merge(into[key], value, here)
        else:
            into[key] = value


def _entry(entries: list[Any], key: str, place: str) -> Any:
    for each in entries:
        if key in (each.get("vendor"), each.get("code"), each.get("name")):
            return each
    raise FormError(f"{place}: there is no such entry")


def as_toml(profiles: Mapping[str, Any]) -> str:
    """Vendor profiles as a file: text, numbers and lists look alike in JSON and TOML."""
    lines = []
    for vendor, profile in profiles.items():
        tables = {"": profile, ".live": profile.get("live"), ".test": profile.get("test")}
        for suffix, table in tables.items():
            if table is not None:
                lines.append(f"[vendors.{vendor}{suffix}]")
                lines += [
                    f"{key} = {json.dumps(value)}"
                    for key, value in table.items()
                    if not isinstance(value, dict)
                ]
    return "\n".join(lines) + "\n"
