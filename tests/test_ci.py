"""Which Pythons the tests run on: .ci/pythons finds them, .ci/run uses them."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = "bash dirname grep head ls mktemp rm sed sh sort tail tee".split()
MAKE = '#!/bin/sh\necho "make $*"\necho "1 passed in 0.1s"\n'
WORKS = '#!/bin/sh\n[ "$1" != --version ] || echo Python 3.11.7\n'
BROKEN = "#!/bin/sh\nexit 127\n"
PRODUCTION = re.search(r"^runtime: python3(\d+)", (ROOT / "app.yaml").read_text(), re.M)

Script = Callable[[str], str]


@pytest.fixture
def run(tmp_path: Path) -> Script:
    """Run a script of .ci/ where there are the tools above, `make` that only says so, no Python."""
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    program(tmp_path / "bin" / "make", MAKE)
    environ = {"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path), "HOME": str(tmp_path)}

    def script(name: str) -> str:
        command = ["bash", str(ROOT / ".ci" / name)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.replace(str(tmp_path), "")

    return script


def program(path: Path, text: str = WORKS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def pyenv(folder: Path, *versions: str) -> None:
    for version in versions:
        program(folder / "versions" / version / "bin" / "python")


def test_pythons_are_found_on_the_path_and_among_pyenvs_the_newest_first(
    run: Script, tmp_path: Path
) -> None:
    program(tmp_path / "bin" / "python3.12")
    program(tmp_path / "bin" / "python3.13", BROKEN)  # as pyenv's is for versions not chosen
    pyenv(tmp_path, "3.10.13", "3.13.9", "3.13.10")
    assert run("pythons").splitlines() == [
        "3.13 /versions/3.13.10/bin/python",
        "3.12 /bin/python3.12",
    ]


def test_the_tests_run_on_the_python_of_production_and_lint_on_the_oldest(
    run: Script, tmp_path: Path
) -> None:
    assert PRODUCTION
    newest = f"3.{PRODUCTION[1]}"
    pyenv(tmp_path, "3.11.7", "3.13.0", f"{newest}.2", f"3.{int(PRODUCTION[1]) + 1}.0")
    said = run("run")
    assert "There is no Python" not in said
    assert "make lint PYTHON=/versions/3.11.7/bin/python VENV=.venv-lint" in said
    assert f"make test PYTHON=/versions/{newest}.2/bin/python VENV=.venv-ci" in said


def test_without_the_python_of_production_the_newest_at_hand_is_used_and_said(
    run: Script, tmp_path: Path
) -> None:
    assert PRODUCTION
    pyenv(tmp_path, "3.11.7", "3.12.1")
    said = run("run")
    missing = f"There is no Python 3.{PRODUCTION[1]} here"
    assert f"{missing}: the tests run on 3.12, the newest at hand" in said
    assert "make test PYTHON=/versions/3.12.1/bin/python VENV=.venv-ci" in said
    assert said.splitlines()[-1] == "1 passed in 0.1s"


def test_where_only_the_system_has_a_python_it_is_used_and_said(
    run: Script, tmp_path: Path
) -> None:
    program(tmp_path / "bin" / "python3")
    said = run("run").splitlines()
    assert sum("Python 3.11.7" in line for line in said) == 2
    assert "make test" in said


def test_app_engine_and_the_container_run_the_same_python() -> None:
    assert PRODUCTION
    assert f"python:3.{PRODUCTION[1]}-slim" in (ROOT / "Containerfile").read_text()
