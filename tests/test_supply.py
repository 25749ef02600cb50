"""What is installed of others: pinned to its bytes, listed, and asked about."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt", "requirements-audit.txt")


def pins(name: str) -> dict[str, list[str]]:
    """The hashes of each requirement, by name and version."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if pin := re.match(r"([\w.-]+==[^\s;\\]+)", line):
            hashes = found.setdefault(pin[1], [])
        elif each := re.search(r"--hash=(sha256:[0-9a-f]{64})", line):
            hashes.append(each[1])
    return found


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_has_its_hashes(name: str) -> None:
    found = pins(name)
    assert len(found) > 10
    assert [pin for pin, hashes in found.items() if not hashes] == []


def test_development_has_what_is_deployed_to_the_byte() -> None:
    deployed, development = (pins(name) for name in REQUIREMENTS[:2])
    assert deployed.items() <= development.items()


@pytest.mark.parametrize(
    "name", ["Makefile", "Containerfile", "docs/deploy.md", "docs/commands.md"]
)
def test_just_what_is_pinned_is_installed_with_its_hashes(name: str) -> None:
    # Without --no-deps an older pip (23, on Debian 12) looks at the newest release of what is
    # wanted with an extra, and stops since it is not pinned: each new release would break set-up.
    text = (ROOT / name).read_text()
    installs = re.findall(r"^.*pip install .*-r .*$", text, re.MULTILINE)
    assert installs
    assert [line for line in installs if "--require-hashes --no-deps" not in line] == []


def test_the_bill_of_materials_has_every_package_that_is_deployed() -> None:
    made = subprocess.run([sys.executable, ".ci/sbom"], cwd=ROOT, capture_output=True, check=True)
    bill = json.loads(made.stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    packages = {f"{c['name']}=={c['version']}": c for c in bill["components"]}
    assert pins("requirements.txt").keys() <= packages.keys()
    assert {"bootstrap", "htmx.org"} <= {c["name"] for c in bill["components"]}
    for pin, hashes in pins("requirements.txt").items():
        files = packages[pin]["externalReferences"]
        listed = {f"sha256:{h['content']}" for file in files for h in file["hashes"]}
        assert listed == set(hashes)
    references = [c["bom-ref"] for c in bill["components"]]
    assert len(references) == len(set(references))


@pytest.mark.parametrize(
    ("says", "status", "expected", "told"),
    [
        ("No known vulnerabilities found", 0, 0, ""),
        ("Found 1 known vulnerability in 1 package", 1, 1, ""),
        ("Dependency not found on PyPI and could not be audited: x", 0, 2, "could not be asked"),
        ("ConnectionError: Max retries exceeded", 1, 2, "could not be asked"),
    ],
)
def test_an_audit_says_when_its_source_cannot_be_reached(
    tmp_path: Path, says: str, status: int, expected: int, told: str
) -> None:
    stand_in = tmp_path / "pip-audit"
    stand_in.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    stand_in.chmod(0o755)
    done = subprocess.run(
        [ROOT / ".ci" / "audit", stand_in], capture_output=True, text=True, check=False
    )
    assert done.returncode == expected
    assert told in done.stderr
