"""The queues of Cloud Tasks that a deployment makes from the vendor profiles."""

import subprocess
from pathlib import Path

import pytest

from addon.tasks.base import RUNS, deliveries_to
from addon.tasks.queues import main, queues_for
from addon.vendors.profiles import load_vendors

ROOT = Path(__file__).resolve().parent.parent.parent

GCLOUD = """#!/bin/sh
# Keeps queues as files, and like Cloud Tasks refuses to create one twice or to update none.
queue="$STATE/$4"
echo "$3 $4" >> "$STATE/said"
case "$3" in
  describe) test -e "$queue" ;;
  create) test ! -e "$queue" && echo "$@" > "$queue" ;;
  update) test -e "$queue" && test "$4" != "$BROKEN" && echo "$@" > "$queue" ;;
esac
"""


def printed(capsys: pytest.CaptureFixture[str], profiles: Path) -> str:
    main([str(profiles), "--project=my-project", "--location=europe-west1"])
    return capsys.readouterr().out


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    path = tmp_path / "vendors.toml"
    path.write_text('[vendors.ilt]\nname = "ILT"\n[vendors.a_b]\nname = "A B"\n')
    return path


class Cloud:
    """Queues in a folder, and the shell that commands are run in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "gcloud").write_text(GCLOUD)
        (folder / "bin" / "gcloud").chmod(0o755)

    def run(self, commands: str, broken: str = "") -> int:
        """Return the exit status, as `make deploy` would see it."""
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        environ = {"PATH": path, "STATE": str(self.folder), "BROKEN": broken}
        return subprocess.run(["sh", "-ec", commands], env=environ, check=False).returncode

    def changes(self) -> list[str]:
        """What was asked for that changes a queue, since the last time."""
        said = (self.folder / "said").read_text().splitlines()
        (self.folder / "said").write_text("")
        return [line for line in said if not line.startswith("describe")]


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path / "cloud")


def test_each_vendor_has_a_queue_of_its_own_with_one_delivery_at_a_time() -> None:
    vendors = load_vendors(ROOT / "vendors.toml")
    queues = queues_for(vendors)
    deliveries = {deliveries_to(vendor) for vendor in vendors}

    assert queues.keys() == {RUNS} | deliveries
    assert len(deliveries) == len(vendors)
    assert {queues[name].concurrency for name in deliveries} == {1}
    assert all(limits.attempts > 1 for limits in queues.values())


def test_queues_are_created_once_and_updated_from_then_on(
    capsys: pytest.CaptureFixture[str], profiles: Path, cloud: Cloud
) -> None:
    commands = printed(capsys, profiles)
    names = ["runs", "deliver-ilt", "deliver-a-b"]

    assert cloud.run(commands) == 0
    assert cloud.changes() == [f"create {name}" for name in names]
    assert cloud.run(commands) == 0
    assert cloud.changes() == [f"update {name}" for name in names]


def test_a_vendor_that_joins_gets_a_queue_and_one_that_leaves_keeps_its_own(
    capsys: pytest.CaptureFixture[str], profiles: Path, cloud: Cloud
) -> None:
    cloud.run(printed(capsys, profiles))
    cloud.changes()
    profiles.write_text('[vendors.ilt]\nname = "ILT"\n[vendors.new]\nname = "New"\n')

    assert cloud.run(printed(capsys, profiles)) == 0
    assert cloud.changes() == ["update runs", "update deliver-ilt", "create deliver-new"]
    assert (cloud.folder / "deliver-a-b").exists()


def test_what_cloud_tasks_refuses_ends_the_deployment(
    capsys: pytest.CaptureFixture[str], profiles: Path, cloud: Cloud
) -> None:
    commands = printed(capsys, profiles)
    cloud.run(commands)
    cloud.changes()

    assert cloud.run(commands, broken="deliver-ilt") != 0
    assert cloud.changes() == ["update runs", "update deliver-ilt"]


def test_created_and_updated_queues_have_the_same_limits(
    capsys: pytest.CaptureFixture[str], profiles: Path, cloud: Cloud
) -> None:
    commands = printed(capsys, profiles)
    cloud.run(commands)
    created = (cloud.folder / "deliver-ilt").read_text()
    cloud.run(commands)
    assert (cloud.folder / "deliver-ilt").read_text() == created.replace(" create ", " update ")
    assert "--max-concurrent-dispatches=1 " in created


@pytest.mark.parametrize("text", ["[vendors.x]\nname = 1\n", "no toml", None])
def test_profiles_that_are_not_valid_end_it_with_one_line_and_no_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "vendors.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit) as ended:
        printed(capsys, path)
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert str(path) in said.err
