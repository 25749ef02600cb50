"""The real command line, in processes of its own: `python -m addon sync` and the like."""

import os
import subprocess
import sys
from pathlib import Path

from tests.trust.worker import ROOT, SECONDS

PROFILE = """
[vendors.{vendor}]
name = "{vendor}"
fields = ["email", "schoolYear"]
requestsPerSecond = 100000
concurrency = 4
[vendors.{vendor}.live]
url = "{url}"
secret = "env:SKOLSYNK_TRUST_KEY"
"""


class Installation:
    """An installation in a folder, with its vendors and a directory in Google's place."""

    def __init__(self, folder: Path, directory: str, vendors: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        profiles = folder / "vendors.toml"
        profiles.write_text(
            "".join(PROFILE.format(vendor=vendor, url=url) for vendor, url in vendors.items())
        )
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SKOLSYNK_")}
        self.store = folder / "skolsynk.db"
        self._environment = {
            **kept,
            "SKOLSYNK_STORE": f"sqlite:///{self.store}",
            "SKOLSYNK_DIRECTORY_ENDPOINT": directory,
            "SKOLSYNK_VENDORS": str(profiles),
            "SKOLSYNK_TRUST_KEY": "egil-key",
        }

    def start(self, *line: str) -> "subprocess.Popen[str]":
        """Begin a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "addon", *line],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
            cwd=ROOT,
        )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """A command's exit status, and what it said and complained."""
    said, complained = process.communicate(timeout=SECONDS)
    return process.returncode, said, complained
