"""The documents say what the program is: its settings, commands, routes, pages and files."""

import argparse
import ast
import re
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon import create_app
from addon.cli.commands import _parser
from addon.settings import Settings, SqliteAddress
from addon.settings.variables import FOR_TESTS, FOR_VENDORS, KNOWN, VARIABLES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BY_OTHERS = {
    "FIRESTORE_EMULATOR_HOST",
    "CLOUD_TASKS_EMULATOR_HOST",
    "GAE_ENV",
    "GAE_APPLICATION",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_APPLICATION_CREDENTIALS",
}
"""Variables that Google's libraries and App Engine have given their names."""
VALUES = {"FILE", "GOOGLEID", "N", "V"}
"""What commands' options are given; `FILE` is an argument of one too."""
MADE = ("var/", "/", "http", "secretmanager:", "gcloud")
"""How the names of files begin that are not ours: made by who operates it, or somewhere else."""


REFERENCE = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md")))


def section(heading: str) -> str:
    """What the reference says under a heading of the second level, down to the next."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", REFERENCE, re.M | re.S)
    assert found, heading
    return found[1]


def table(text: str) -> list[list[str]]:
    """The cells of the rows in a text's tables, without their headings."""
    rows = [
        re.split(r"(?<!\\) \| ", line.strip()[2:-2]) for line in text.splitlines() if is_row(line)
    ]
    return [row for row in rows if set("".join(row)) - set("-| :")]


def is_row(line: str) -> bool:
    return line.startswith("| ") and line.rstrip().endswith("|")


def code_in(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


# Settings


def told_of() -> set[str]:
    return {name for row in table(section("Settings")) for name in code_in(row[0])}


def test_the_reference_tells_of_every_setting_and_of_none_that_there_is_not() -> None:
    examples = {name for name in told_of() if "…" in name}
    assert examples == {"SKOLSYNK_…_URL", "SKOLSYNK_…_KEY"}
    mentioned = BY_OTHERS - {"GOOGLE_APPLICATION_CREDENTIALS"}  # named as another's default
    assert told_of() - examples == {*KNOWN, *FOR_TESTS, *mentioned}
    assert "`GOOGLE_APPLICATION_CREDENTIALS`" in section("Settings")


def test_the_table_of_settings_has_the_defaults_of_the_program() -> None:
    defaults = {name: row[-1] for row in table(section("Settings")) for name in code_in(row[0])}
    for variable in VARIABLES:
        if variable.default is not None and not variable.default.startswith("https://"):
            assert f"`{variable.default}`" in defaults[variable.name]


def test_every_variable_that_is_read_is_one_that_is_known() -> None:
    read = set()
    for path in (ROOT / "addon").rglob("*.py"):
        text = path.read_text("utf-8")
        read |= set(re.findall(r"\"(SKOLSYNK_\w+|FIRESTORE_\w+|CLOUD_TASKS_\w+)\"", text))
    ours = {n for n in read if not (FOR_VENDORS.fullmatch(n) and n not in KNOWN)}
    assert ours <= {*KNOWN, *FOR_TESTS, *BY_OTHERS}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_documents_name_no_setting_that_there_is_not(path: Path) -> None:
    named = set(re.findall(r"\bSKOLSYNK_[A-Z_]+[A-Z]\b", path.read_text("utf-8")))
    assert {n for n in named if not FOR_VENDORS.fullmatch(n)} <= {*KNOWN, *FOR_TESTS}


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "addon").rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text("utf-8"))
    }
    assert {r for r in readers if not r.startswith("addon/sandbox/")} == {
        "addon/settings/__init__.py"
    }


# Commands


def commands(
    parser: argparse.ArgumentParser, name: str = ""
) -> Iterator[tuple[str, str, set[str]]]:
    """Each command: its name, its help, and its options and arguments."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for each, sub in action.choices.items():
                whole = f"{name} {each}".strip()
                inner = list(commands(sub, whole))
                yield from inner or [(whole, helps[each], options(sub))]


def options(parser: argparse.ArgumentParser) -> set[str]:
    actions = [a for a in parser._actions if not isinstance(a, argparse._HelpAction)]
    return {a.option_strings[-1] if a.option_strings else str(a.metavar) for a in actions}


def test_the_reference_tells_of_every_command_with_its_options() -> None:
    told = {}
    for row in table(section("Commands")):
        for text in code_in(row[0]):
            name = re.match(r"[a-z]+(?: (?:import|export|list|delete))?", text)
            assert name, text
            told[name[0]] = set(re.findall(r"--[a-z]+|\b[A-Z]{2,}\b", text))
    there = {name: given - VALUES for name, _, given in commands(_parser())}
    assert {name: given - VALUES for name, given in told.items()} == there


def test_every_command_says_what_it_does() -> None:
    assert [name for name, text, _ in commands(_parser()) if len(text) < 15] == []


# Addresses


def families(tmp_path: Path) -> set[str]:
    """The first parts of all addresses; of /cron and /tasks, which few call, the whole."""
    app = create_app(Settings(SqliteAddress(tmp_path / "x.db"), {}))
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    whole = ("cron", "tasks")
    return {rule if rule.split("/")[1] in whole else "/" + rule.split("/")[1] for rule in rules}


def test_the_reference_tells_of_every_address(tmp_path: Path) -> None:
    rows = table(section("The web application, and runs by themselves"))
    assert {name for row in rows for name in code_in(row[0])} == families(tmp_path)


# Pages


def said_by_the_program() -> str:
    """All that the pages may say, in Swedish, with whatever stands for values taken out."""
    texts = [path.read_text("utf-8") for path in (ROOT / "templates").rglob("*.html")]
    for path in (ROOT / "addon").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_what_the_reference_has_of_pages_is_what_they_say() -> None:
    text = section("When something goes wrong").partition("On the pages:")[2]
    said = said_by_the_program()
    quoted = [row[0] for row in table(text)[1:] if not row[0].startswith("Google's own")]
    assert len(quoted) > 12
    for each in quoted:
        assert each.rstrip(" …") in said, each


def test_the_reference_has_a_remedy_for_whoever_cannot_sign_in() -> None:
    told = section("When something goes wrong")
    for name in ("not_set_up", "refused", "error"):
        template = (ROOT / "templates" / "sign_in" / f"{name}.html").read_text("utf-8")
        headings = re.search(r"block title %}(.*?){% endblock", template, re.S)
        leads = re.search(r"block lead %}(.*?){% endblock", template, re.S)
        shown = leads[1] if leads else headings[1] if headings else ""
        for text in re.findall(r'_\("([^"]+)"\)', shown):
            sentence = text.partition(", så ")[0].partition(", och ")[0].rstrip(".")
            assert sentence in told, text


def test_the_reference_tells_of_every_entry_of_the_menu() -> None:
    menu = (ROOT / "addon" / "web" / "navigation.py").read_text("utf-8").partition("\n}\n")[0]
    entries = re.findall(r'"\w+": _\("(\w+)"\)', menu)
    assert len(entries) > 5
    pages = " ".join(row[0] for row in table((ROOT / "docs" / "guide.md").read_text("utf-8")))
    assert [entry for entry in entries if entry not in pages] == []


# Files and links


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(path: Path) -> set[str]:
    """What GitHub makes of the headings."""
    kept = string.ascii_lowercase + string.digits + "-_ åäö"
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.M)
    plain = ("".join(c for c in heading.lower() if c in kept) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_files_that_documents_name_are_there(path: Path) -> None:
    tracked = files()
    folders = {parent.as_posix() for name in tracked for parent in Path(name).parents}
    folders |= {folder.removeprefix("addon/") for folder in folders}
    for named in code_in(re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)):
        if named.startswith(MADE) or not re.fullmatch(
            r"[\w./-]+(\.(py|md|toml|yaml|json|txt|css|scss|js|html|sh)|/)", named
        ):
            continue
        if named.endswith("/"):
            assert named.rstrip("/") in folders | {"tests/scenarios/NAME", "var"}, named
        elif "/" in named and "NAME" not in named:
            assert any(name == named or name.endswith("/" + named) for name in tracked), named
        elif "/" not in named and named not in examples():
            assert any(Path(name).name == named for name in tracked), named


def examples() -> set[str]:
    """Files that documents name because somebody makes them."""
    return {
        "env",
        "firebase.json",
        "queue.yaml",
        "storkoping.json",
        "expected.txt",
        "scenario.toml",
    }


def files() -> list[str]:
    """What is under version control, or about to be."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_every_document_is_linked_to_from_the_readme() -> None:
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", README)}
    ours = {path.relative_to(ROOT).as_posix() for path in DOCUMENTS} - {"README.md"}
    assert ours <= linked


def test_every_picture_of_a_page_is_shown() -> None:
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/screenshots").glob("*")}
    guide = (ROOT / "docs" / "guide.md").read_text("utf-8")
    shown = re.findall(r"!\[([^\]]*)\]\((screenshots/[^)]+)\)", guide)
    first = re.findall(r"!\[([^\]]*)\]\((docs/screenshots/[^)]+)\)", README)
    assert there == {f"docs/{path}" for _, path in shown} | {path for _, path in first}
    assert all(len(words) > 10 for words, _ in (*shown, *first)), (
        "whoever cannot see it is told what it shows"
    )


def test_every_package_that_is_asked_for_is_in_the_table_with_its_reason() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = table(text.partition("## Dependencies")[2])
    told = {n.strip() for row in rows for n in re.sub(r" \(.*?\)", "", row[0]).split(",")}
    assert all(len(row) == 3 and row[1] and row[2] for row in rows)
    asked = set()
    for name in ("requirements.in", "requirements-dev.in"):
        lines = (ROOT / name).read_text("utf-8").splitlines()
        asked |= {line for line in lines if re.fullmatch(r"[\w-]+", line)}
    assert asked <= told


def test_every_target_of_make_that_documents_name_is_there() -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for path in DOCUMENTS:
        named = set(re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text("utf-8"), re.M))
        assert named <= made, path.name
