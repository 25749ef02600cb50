"""Names that a newcomer can trust: one class of a name, words of the field, few modules at the
root."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ADDON = Path(__file__).parents[1] / "addon"
OF_THE_STANDARD = {"Enrolment", "Organisation", "SchoolUnit", "StudentGroup", "User"}
"""SS 12000's own names: `ss12000/resources.py` has them, and the domain has its own of the same."""
METAPHORS = re.compile(r"\b(houses?|desks?|shelf|errands?|doors?|bands|rooms?|papers?)\b", re.I)


def modules() -> list[Path]:
    return sorted(ADDON.rglob("*.py"))


def test_no_two_public_classes_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path.relative_to(ADDON).as_posix())
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert twice.keys() <= OF_THE_STANDARD, twice


def test_the_root_has_at_most_eight_modules() -> None:
    assert len(list(ADDON.glob("*.py"))) <= 8


def test_modules_speak_in_the_fields_words() -> None:
    found = [
        f"{path.relative_to(ADDON)}:{number}: {line.strip()}"
        for path in modules()
        if "sandbox" not in path.parts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if METAPHORS.search(line) and "papers" not in line  # the table's and collection's name
    ]
    assert found == []
