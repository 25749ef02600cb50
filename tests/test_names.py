"""Names that a newcomer can trust: one class of a name, words of the field, few modules at the
root."""

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ADDON = ROOT / "addon"
OF_THE_STANDARD = {"Enrolment", "Organisation", "SchoolUnit", "StudentGroup", "User"}
"""SS 12000's own names: `ss12000/resources.py` has them, and the domain has its own of the same."""
RAISES = re.compile(r"\braises? ((?:[A-Z]\w+|[,\s]|and|or)+)", re.I)
METAPHORS = re.compile(
    r"(?<![a-z.])(houses?|desks?|shelf|shelves|errands?|doors?|bands|rooms?|paper|gates?|deeds?"
    r"|workshop|amiss)(?![a-z])",
    re.I,
)
"""Words of no program, alone or in a name such as `open_door`.

`papers` is the name of stored items' table, and `locations.desk` a field of Google's.
"""


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
    paths = [p for folder in (ADDON, ROOT / "tests", ROOT / "bench") for p in folder.rglob("*.py")]
    paths += (ROOT / "templates").rglob("*.html")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted(paths)
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if METAPHORS.search(line)
    ]
    assert found == []


def docstrings(path: Path) -> Iterator[str]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, documented):
            yield ast.get_docstring(node) or ""


def test_docstrings_name_exceptions_that_there_are() -> None:
    known = set(dir(builtins))
    for path in modules():
        known |= set(re.findall(r"\w+", re.sub(r'"""(.|\n)*?"""', "", path.read_text("utf-8"))))
    unknown = [
        f"{path.relative_to(ADDON)}: {name}"
        for path in modules()
        for text in docstrings(path)
        for named in RAISES.findall(text)
        for name in re.findall(r"[A-Z]\w+", named)
        if name not in known
    ]
    assert unknown == []


def test_docstrings_refer_to_modules_and_names_that_there_are() -> None:
    wrong = [
        f"{path.relative_to(ADDON)}: {reference}"
        for path in modules()
        for text in docstrings(path)
        for reference in re.findall(r"`addon\.([\w.]+)`", text)
        if not is_there(reference.split("."))
    ]
    assert wrong == []


def is_there(parts: list[str]) -> bool:
    """Whether a package, a module, or a name in one, goes by these names."""
    place = ADDON
    while parts and (place / parts[0]).is_dir():
        place, parts = place / parts[0], parts[1:]
    module = place / f"{parts[0]}.py" if parts else None
    if module is None or not module.is_file():
        return not parts
    text = module.read_text("utf-8")
    return all(re.search(rf"\b{name}\b", text) for name in parts[1:])
