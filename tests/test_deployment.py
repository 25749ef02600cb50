"""What deploys Skolsynk: held to Google's own validation, to each other and to the program."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from flask import Flask

from addon.directory.google.credentials import SCOPES
from addon.settings import CloudTasks, FirestoreAddress, Settings, Smtp
from addon.tasks.handlers import SECONDS
from addon.tasks.queues import OF_RUNS, queues_for
from addon.vendors.profiles import load_vendors
from addon.web.internal import cron
from addon.web.security.headers import HEADERS, HSTS, LOGO, STATIC_KEPT

Deploy = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).resolve().parent.parent
SDK = Path("/usr/lib/google-cloud-sdk")
REQUIRED = "SKOLSYNK_REQUIRE_EMULATOR"
DOCS = (ROOT / "docs" / "deploy.md").read_text()


def sdk() -> tuple[str, Path]:
    """gcloud and where its own Python code is; without it a test is skipped, or fails under CI."""
    gcloud = shutil.which("gcloud")
    root = Path(gcloud).resolve().parent.parent if gcloud else SDK
    if gcloud and (root / "lib" / "googlecloudsdk").is_dir():
        return gcloud, root
    if os.environ.get(REQUIRED):
        pytest.fail(f"the Google Cloud CLI is missing, and {REQUIRED} is set")
    pytest.skip("the Google Cloud CLI is not installed")


PARSE = """
import json, sys
sys.path[:0] = [sys.argv[1] + "/lib", sys.argv[1] + "/lib/third_party"]
from googlecloudsdk.api_lib.app import yaml_parsing
from googlecloudsdk.core import yaml
for name in ("app.yaml", "cron.yaml"):
    path = sys.argv[2] + "/" + name
    kind = yaml_parsing.ServiceYamlInfo if name == "app.yaml" else yaml_parsing.ConfigYamlInfo
    if kind.FromFile(path) is None:
        raise SystemExit(name + " is not taken for what it is")
print(json.dumps({name: yaml.load_path(sys.argv[2] + "/" + name) for name in
    ("app.yaml", "cron.yaml")}))
"""


@pytest.fixture(scope="module")
def files() -> dict[str, dict]:
    """app.yaml and cron.yaml, as `gcloud app deploy` reads and accepts them."""
    _, root = sdk()
    bundled = sorted((root / "platform").glob("bundledpython*/bin/python3"))
    python = str(bundled[0]) if bundled else sys.executable
    done = subprocess.run(
        [python, "-c", PARSE, str(root), str(ROOT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lint(commands: list[str], folder: Path) -> list[str]:
    """What gcloud says is wrong with the commands; it looks at them and asks nobody.

    Of those that differ in values and vendors only, one is looked at: each takes its time.
    """
    gcloud, _ = sdk()
    different = {re.sub(r"(--[\w-]+)=\S+|\S*/\S*|deliver-\S+", r"\1", c): c for c in commands}
    commands = list(different.values())
    path = folder / "commands.json"
    path.write_text(json.dumps([{"command_string": command} for command in commands]))
    done = subprocess.run(
        [gcloud, "meta", "lint-gcloud-commands", f"--commands-file={path}"],
        capture_output=True,
        text=True,
        check=True,
    )
    checked = json.loads(done.stdout)
    assert len(checked) == len(commands)
    return [f"{c['command_string']}: {c['error_message']}" for c in checked if not c["success"]]


# app.yaml, cron.yaml


def test_the_environment_of_app_engine_is_one_that_the_program_takes(files: dict[str, dict]):
    environ = {
        name: value.replace("PROJECT", "my-project").replace("REGION", "europe-west1")
        for name, value in files["app.yaml"]["env_variables"].items()
    }
    environ |= {"GAE_ENV": "standard", "GAE_APPLICATION": "e~my-project"}
    settings = Settings.from_environ(environ)

    assert settings.store == FirestoreAddress("my-project")
    assert settings.tasks == CloudTasks("my-project", "europe-west1")
    assert settings.service_account == "skolsynk@my-project.iam.gserviceaccount.com"
    assert settings.log_format == "json"


def test_people_come_in_by_https_only_and_nobody_signs_in_to_app_engine(files: dict[str, dict]):
    handlers = files["app.yaml"]["handlers"]
    within_google = "/(cron|tasks)/.*"
    assert [h["url"] for h in handlers if h["secure"] != "always"] == [within_google]
    assert handlers[-1]["url"] == "/.*"
    assert not [h for h in handlers if "login" in h]


def test_a_delivery_ends_before_app_engine_ends_it(files: dict[str, dict]):
    assert "automatic_scaling" in files["app.yaml"]
    assert SECONDS <= 600 - 60


def test_an_instance_has_a_thread_for_each_request_it_takes(files: dict[str, dict]):
    conf = (ROOT / "gunicorn.conf.py").read_text()
    threads = int(re.search(r"^threads = (\d+)", conf, re.MULTILINE)[1])
    scaling = files["app.yaml"]["automatic_scaling"]

    assert scaling["max_concurrent_requests"] < threads
    everywhere = scaling["max_concurrent_requests"] * scaling["max_instances"]
    assert OF_RUNS.concurrency < everywhere


def test_app_engine_serves_static_files_with_the_headers_that_the_program_gives(
    files: dict[str, dict],
):
    (static,) = [h for h in files["app.yaml"]["handlers"] if "static_dir" in h]
    given = {name: value for name, value in HEADERS.items() if name != "Cache-Control"}
    assert static["http_headers"] == given | {"Strict-Transport-Security": HSTS}
    minutes = int(static["expiration"].removesuffix("m"))
    assert f"public, max-age={minutes * 60}" == STATIC_KEPT


def test_app_engine_lets_googles_pages_show_the_addons_logo(files: dict[str, dict]):
    handlers = files["app.yaml"]["handlers"]
    first = next(h for h in handlers if re.fullmatch(h["url"], LOGO) or LOGO.startswith(h["url"]))
    assert f"/{first['static_files']}" == LOGO
    assert re.fullmatch(first["upload"], first["static_files"])
    assert first["http_headers"]["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_cron_calls_for_the_runs_at_the_beginning_of_each_hour(files: dict[str, dict]):
    jobs = {job["url"]: job for job in files["cron.yaml"]["cron"]}
    assert jobs["/cron/sync"]["schedule"] == "every 1 hours synchronized"


def test_cron_calls_for_the_register_when_nobody_works(files: dict[str, dict]):
    jobs = {job["url"]: job for job in files["cron.yaml"]["cron"]}
    hour = int(re.search(r"every day (\d\d):\d\d", jobs["/cron/register"]["schedule"])[1])
    assert jobs["/cron/register"]["timezone"] == "Europe/Stockholm"
    assert hour < 6


def test_cron_calls_for_everything_that_the_program_does_when_it_is_called(files: dict[str, dict]):
    app = Flask("cron")
    app.register_blueprint(cron.bp)
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    assert {job["url"] for job in files["cron.yaml"]["cron"]} == rules


# What is uploaded


def test_app_engine_gets_the_program_and_nothing_else(tmp_path: Path):
    gcloud, _ = sdk()
    code = [
        "addon/cli/server.py",
        "static/a.css",
        "static/vendor/a.js",
        "templates/school_units/a.html",
    ]
    code += ["addon/translations/en/LC_MESSAGES/messages.mo"]
    other = ["addon/sandbox/demo.py", "tests/a.py", ".git/config", "var/a.db", "docs/a.md", "key"]
    other += ["static/styles/a.scss", "templates/sandbox/a.html"]
    for name in (*code, *other):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    program = {"app.yaml", "main.py", "gunicorn.conf.py", "requirements.txt", "vendors.toml"}
    for name in (*program, ".gcloudignore"):
        shutil.copy(ROOT / name, tmp_path)

    done = subprocess.run(
        [gcloud, "meta", "list-files-for-upload", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == {*program, *code}


def test_the_container_has_what_app_engine_has():
    uploaded = re.findall(r"^!/(.+?)/?$", (ROOT / ".gcloudignore").read_text(), re.MULTILINE)
    contained = re.findall(r"^!(.+)$", (ROOT / ".containerignore").read_text(), re.MULTILINE)
    assert set(contained) == set(uploaded) - {"app.yaml", "agreements"}
    assert not set(ignored(".gcloudignore")) - set(ignored(".containerignore")) - {"*.pyc"}

    copied = re.findall(r"^COPY (.+)$", (ROOT / "Containerfile").read_text(), re.MULTILINE)
    named = {name.rstrip("/") for line in copied for name in line.split()[:-1]}
    assert named == set(contained)


def ignored(name: str) -> list[str]:
    """What is left out of the folders that are taken, whichever way it is written."""
    lines = (ROOT / name).read_text().splitlines()
    left_out = (line for line in lines if line and line[0] not in "#!" and line not in ("*", "/*"))
    return [line.removeprefix("**/").strip("/") for line in left_out]


def test_the_container_is_not_root_and_keeps_its_store_on_a_volume():
    lines = (ROOT / "Containerfile").read_text().splitlines()
    assert "USER 10001" in lines
    assert "VOLUME /var/lib/skolsynk" in lines
    assert any("sqlite:////var/lib/skolsynk/" in line for line in lines)
    assert not [line for line in lines if re.search(r"KEY|SECRET|TOKEN", line)]


# gunicorn.conf.py


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def environ(**given: str) -> dict[str, str]:
    mine = {n: v for n, v in os.environ.items() if not n.startswith("SKOLSYNK_")}
    return mine | given


@pytest.fixture
def served(port: int, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The program as the container starts it."""
    command = next(
        json.loads(line.removeprefix("CMD"))
        for line in (ROOT / "Containerfile").read_text().splitlines()
        if line.startswith("CMD")
    )
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, *command[1:]],
            cwd=ROOT,
            env=environ(
                PORT=str(port),
                SKOLSYNK_STORE=f"sqlite:///{tmp_path}/skolsynk.db",
                SKOLSYNK_LOG_FORMAT="json",
                WEB_CONCURRENCY="4",
            ),
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
        )
        process.said = said
        yield process
        process.kill()
        process.wait()


def answer(port: int, path: str, process: subprocess.Popen[str]) -> dict:
    last = time.monotonic() + 60
    while time.monotonic() < last and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
                return json.load(response)
        except (URLError, ConnectionError):
            time.sleep(0.05)
    process.said.seek(0)
    pytest.fail(process.said.read())


def test_gunicorn_serves_on_its_port_and_says_nothing_that_is_not_json(
    served: subprocess.Popen[str], port: int
):
    assert answer(port, "/healthz", served) == {"status": "ok"}
    assert answer(port, "/readyz", served)["status"] == "ok"
    workers = subprocess.run(
        ["pgrep", "-P", str(served.pid)], capture_output=True, text=True, check=False
    )
    assert len(workers.stdout.split()) == 1, "the local queue is one process's"

    served.send_signal(signal.SIGTERM)
    assert served.wait(30) == 0
    served.said.seek(0)
    for line in served.said:
        assert json.loads(line)["severity"] not in ("ERROR", "CRITICAL"), line


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SKOLSYNK_LOG_FORMAT", "yaml", "skolsynk: SKOLSYNK_LOG_FORMAT must be"),
        ("SKOLSYNK_STORE", "sqlite:////dev/null/skolsynk.db", "skolsynk: "),
    ],
)
def test_what_is_not_right_ends_it_with_one_line(port: int, name: str, value: str, told: str):
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn"],
        cwd=ROOT,
        env=environ(PORT=str(port), **{name: value}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith(told)


# make deploy


@pytest.fixture(scope="module")
def make_deploy(tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """`make deploy` with arguments, on the packages that the tests run on."""
    ready = tmp_path_factory.mktemp("deploy") / "ready"
    ready.touch()
    packages = (f"READY={ready}", f"BIN={Path(sys.executable).parent}")
    return lambda *arguments: run_make("deploy", *packages, *arguments)


def documented_settings() -> str:
    """var/settings.yaml as docs/deploy.md has it."""
    (block,) = re.findall(r"^```yaml\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    return block


def run_make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env={n: v for n, v in os.environ.items() if not n.startswith(("MAKE", "MFLAGS"))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_deploy_moves_traffic_only_to_a_version_that_answers(make_deploy: Deploy):
    done = make_deploy("PROJECT=my-project", "REGION=europe-west3", "VERSION=v1", "DRY=1")
    assert done.returncode == 0, done.stderr
    commands = done.stdout.splitlines()
    step = re.compile(r"tasks queues create|app\.yaml|/readyz|set-traffic|cron\.yaml")
    order = [step.search(command)[0] for command in commands if "gcloud" in command]
    queues = queues_for(load_vendors(ROOT / "vendors.toml"))

    assert order == [
        *["tasks queues create"] * len(queues),
        "app.yaml",
        "/readyz",
        "set-traffic",
        "cron.yaml",
    ]
    assert all("--project=my-project" in c for c in commands if "gcloud" in c)
    version = next(c for c in commands if "app.yaml" in c and c.startswith("gcloud"))
    assert "--no-promote" in version
    assert "--service-account=skolsynk@my-project.iam.gserviceaccount.com" in version
    assert any("s/REGION/europe-west3/g" in c for c in commands)


def test_make_deploy_makes_a_queue_for_each_vendor_that_is_deployed(
    make_deploy: Deploy, tmp_path: Path
):
    """A new vendor is a profile and nothing else."""
    profiles = tmp_path / "vendors.toml"
    profiles.write_text('[vendors.a_new_one]\nname = "A new one"\n')
    done = make_deploy("PROJECT=my-project", "REGION=europe-west3", f"VENDORS={profiles}", "DRY=1")
    made = re.findall(r"queues create (\S+) .*--location=(\S+)", done.stdout)
    assert made == [("runs", "europe-west3"), ("deliver-a-new-one", "europe-west3")]


def test_make_deploy_goes_no_further_with_profiles_that_are_not_valid(
    make_deploy: Deploy, tmp_path: Path
):
    profiles = tmp_path / "vendors.toml"
    profiles.write_text("[vendors.x]\nname = 1\n")
    done = make_deploy("PROJECT=my-project", f"VENDORS={profiles}", "DRY=1")
    assert done.returncode != 0
    assert "vendors.x.name" in done.stderr
    assert "gcloud" not in done.stdout


def test_agreements_beside_the_profiles_are_deployed_where_there_are_any(
    make_deploy: Deploy, tmp_path: Path
):
    profiles, deployed = tmp_path / "profiles" / "vendors.toml", tmp_path / "deployed"
    done = make_deploy("PROJECT=my-project", f"VENDORS={profiles}", f"DEPLOYED={deployed}", "DRY=1")
    (step,) = (line for line in done.stdout.splitlines() if line.startswith("if [ -d "))
    subprocess.run(["sh", "-ec", step], check=True)
    assert not deployed.exists()
    for folder in (profiles.parent / "agreements", deployed):
        folder.mkdir(parents=True)
    (profiles.parent / "agreements" / "binogi.pdf").write_bytes(b"%PDF")
    subprocess.run(["sh", "-ec", step], check=True)
    assert (deployed / "agreements" / "binogi.pdf").read_bytes() == b"%PDF"


GCLOUD = """#!/bin/sh
echo "gcloud $*" >> "$SAID"
case "$*" in
  *" $MISSING "*) exit 1 ;;
esac
"""
CURL = """#!/bin/sh
echo curl >> "$SAID"
exit "$ANSWER"
"""


class Deployment:
    """A deployment by `make deploy` where gcloud and curl only note what they are asked for."""

    def __init__(self, folder: Path, make_deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._make_deploy, self._monkeypatch = folder, make_deploy, monkeypatch
        self.vendors, self.settings = folder / "vendors.toml", folder / "settings.yaml"
        self.vendors.write_text('[vendors.ilt]\nname = "ILT"\n')
        self.settings.write_text(documented_settings())
        for name, text in (("gcloud", GCLOUD), ("curl", CURL)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def run(self, missing: str = "none", answers: bool = True) -> tuple[int, list[str]]:
        """Return the exit status, and what was asked for without what only looks.

        `missing` is what gcloud finds nothing of; `answers` says whether the new version does.
        """
        said = self.folder / "said"
        said.write_text("")
        for name, value in {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "SAID": str(said),
            "MISSING": missing,
            "ANSWER": "0" if answers else "22",
        }.items():
            self._monkeypatch.setenv(name, value)
        done = self._make_deploy(
            "PROJECT=my-project",
            "VERSION=v1",
            f"VENDORS={self.vendors}",
            f"SETTINGS={self.settings}",
            f"DEPLOYED={self.folder / 'deploy'}",
        )
        lines = said.read_text().replace(str(self.folder), "").splitlines()
        return done.returncode, [line for line in lines if " describe " not in line]

    def deployed(self, name: str) -> str:
        return (self.folder / "deploy" / name).read_text()


@pytest.fixture
def deployment(tmp_path: Path, make_deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(tmp_path, make_deploy, monkeypatch)


def steps(asked: list[str]) -> list[str]:
    """The steps of a deployment by their most telling words."""
    words = (
        r"tasks queues (?:create|update) \S+|add-ons deployments (?:create|replace)"
        r"|app\.yaml|curl|set-traffic|cron\.yaml"
    )
    return [re.search(words, line)[0] for line in asked]


def test_a_deployment_goes_all_the_way_with_the_profiles_and_settings_it_is_given(
    deployment: Deployment,
):
    status, asked = deployment.run()

    assert status == 0
    assert steps(asked) == [
        "tasks queues update runs",
        "tasks queues update deliver-ilt",
        "app.yaml",
        "curl",
        "set-traffic",
        "cron.yaml",
        "add-ons deployments replace",
    ]
    assert deployment.deployed("vendors.toml") == deployment.vendors.read_text()
    assert "cloudtasks://my-project/europe-west1" in deployment.deployed("app.yaml")
    assert "SKOLSYNK_URL: https://skolsynk.example.se\n" in deployment.deployed("app.yaml")


def test_a_setting_of_ones_own_stands_in_the_place_of_that_in_app_yaml(deployment: Deployment):
    """The store of a restored backup, for instance, is named in var/settings.yaml alone."""
    with deployment.settings.open("a") as settings:
        settings.write("  SKOLSYNK_STORE: firestore://my-project/restored\n")
    assert deployment.run()[0] == 0
    lines = deployment.deployed("app.yaml").splitlines()
    assert [line for line in lines if line.startswith("  SKOLSYNK_STORE")] == [
        "  SKOLSYNK_STORE: firestore://my-project/restored"
    ]


def test_a_version_is_named_after_the_commit_and_what_is_deployed_with_it(
    make_deploy: Deploy, tmp_path: Path
):
    """Otherwise a change of the profiles alone would replace the version that serves."""
    vendors, settings = tmp_path / "vendors.toml", tmp_path / "settings.yaml"
    agreements = tmp_path / "agreements"
    agreements.mkdir()
    vendors.write_text('[vendors.ilt]\nname = "ILT"\n')
    settings.touch()

    def version() -> str:
        given = ("PROJECT=my-project", f"VENDORS={vendors}", f"SETTINGS={settings}", "DRY=1")
        return re.search(r"--version=(\S+)", make_deploy(*given).stdout)[1]

    found = [version(), version()]
    for path in (vendors, settings, agreements / "ilt.pdf"):
        with path.open("a") as changed:
            changed.write("# changed\n")
        found.append(version())
    assert found[0] == found[1]
    assert len(set(found)) == 4
    assert all(re.fullmatch(r"\d{8}-[0-9a-f]{7,}-[0-9a-f]{6}", each) for each in found)


def test_a_first_deployment_creates_what_a_later_one_updates(deployment: Deployment):
    status, asked = deployment.run(missing="describe")

    assert status == 0
    made = [line for line in steps(asked) if "queues" in line or "add-ons" in line]
    assert made == [
        "tasks queues create runs",
        "tasks queues create deliver-ilt",
        "add-ons deployments create",
    ]


def test_a_version_that_does_not_answer_gets_no_traffic_and_changes_nothing_else(
    deployment: Deployment,
):
    status, asked = deployment.run(answers=False)
    assert status != 0
    assert steps(asked)[-2:] == ["app.yaml", "curl"]


def test_the_add_on_is_deployed_for_the_address_in_the_settings(deployment: Deployment):
    for value in ("https://a.example.se", '"https://a.example.se"', "https://a.example.se  # ours"):
        deployment.settings.write_text(
            re.sub(r"(SKOLSYNK_URL:) \S+", rf"\1 {value}", documented_settings())
        )
        _, asked = deployment.run()
        (file,) = re.findall(r"--deployment-file=/deploy/(\S+)", asked[-1])
        add_on = json.loads(deployment.deployed(file))["addOns"]["common"]
        assert add_on["homepageTrigger"]["runFunction"] == "https://a.example.se/addon/home"
        assert "HOST" not in deployment.deployed(file)


def test_without_settings_of_the_add_on_none_is_deployed(deployment: Deployment):
    lines = documented_settings().splitlines(keepends=True)
    deployment.settings.write_text("".join(line for line in lines if "ADDON" not in line))
    status, asked = deployment.run()
    assert status == 0
    assert steps(asked)[-1] == "cron.yaml"


@pytest.mark.parametrize("project", ["", "My Project", "x", "a-b;rm", "$(touch x)"])
def test_make_deploy_wants_a_project(make_deploy: Deploy, project: str):
    done = make_deploy(f"PROJECT={project}", "DRY=1")
    assert done.returncode != 0
    assert "make deploy PROJECT=my-project" in done.stderr
    assert "gcloud" not in done.stdout


@pytest.mark.parametrize("missing", ["VENDORS", "SETTINGS"])
def test_make_deploy_wants_the_vendor_profiles_and_the_settings(
    make_deploy: Deploy, tmp_path: Path, missing: str
):
    given = {"VENDORS": tmp_path / "vendors.toml", "SETTINGS": tmp_path / "settings.yaml"}
    for path in given.values():
        path.touch()
    given[missing].unlink()
    done = make_deploy("PROJECT=my-project", *(f"{name}={path}" for name, path in given.items()))
    assert done.returncode != 0
    assert given[missing].name in done.stderr
    assert "gcloud" not in done.stdout + done.stderr


@pytest.mark.parametrize("missing", ["SKOLSYNK_OPERATOR", "SKOLSYNK_CONTACT"])
def test_make_deploy_says_when_the_public_pages_name_the_co_operative(
    make_deploy: Deploy, tmp_path: Path, missing: str
):
    settings = tmp_path / "settings.yaml"
    arguments = ("PROJECT=my-project", "VERSION=v1", "DRY=1", f"SETTINGS={settings}")
    settings.write_text(documented_settings())
    assert "SKOLSYNK" not in make_deploy(*arguments).stderr
    lines = documented_settings().splitlines(keepends=True)
    settings.write_text("".join(line for line in lines if missing not in line))
    done = make_deploy(*arguments)
    assert done.returncode == 0
    assert f"settings.yaml has no {missing}: the public pages say the co-operative's" in done.stderr
    assert done.stderr.count("has no") == 1


def test_the_documented_settings_are_deployed_and_ones_that_the_program_takes(
    make_deploy: Deploy, tmp_path: Path
):
    (tmp_path / "settings.yaml").write_text(documented_settings())
    arguments = ("PROJECT=my-project", "REGION=europe-west1", "VERSION=v1", "DRY=1")
    done = make_deploy(*arguments, f"SETTINGS={tmp_path}/settings.yaml")
    (command,) = [line for line in done.stdout.splitlines() if " sed " in line]
    made = command.replace("git show HEAD:app.yaml", "cat app.yaml").partition(" >")[0]
    yaml = subprocess.run(["sh", "-ec", made], cwd=ROOT, capture_output=True, text=True, check=True)

    part = re.search(r"^env_variables:\n((?:  \S.*\n)+)", yaml.stdout, re.MULTILINE)[1]
    environ = dict(re.findall(r"^  (\w+): \"?(.+?)\"?$", part, re.MULTILINE))
    environ |= {"GAE_ENV": "standard", "GAE_APPLICATION": "e~my-project"}
    settings = Settings.from_environ(environ)

    assert settings.store == FirestoreAddress("my-project")
    assert settings.web.url == "https://skolsynk.example.se"
    assert settings.web.sign_in.client_secret.startswith("secretmanager:projects/my-project/")
    assert settings.web.addon is not None
    assert settings.marketplace_app == "123456789012"
    assert settings.web.mail.server == Smtp(
        "smtp.example.se",
        465,
        tls=True,
        user="skolsynk",
        password="secretmanager:projects/my-project/secrets/mail/versions/latest",
    )


# docs/


def documented() -> list[str]:
    """gcloud's commands in the documents, in blocks and sentences, with examples for variables."""
    found = []
    for path in sorted((ROOT / "docs").glob("*.md")):
        text = path.read_text()
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for line in "\n".join(blocks).splitlines():
            at = line.find("gcloud ")
            if at == 0 or (at > 0 and line[at - 2] == "|"):
                found.append(line[at:])
        found += re.findall(r"`(gcloud [^`]+)`", text)
    values = {
        "$PROJECT": "my-project",
        "$REGION": "europe-west1",
        "$ACCOUNT": "skolsynk@my-project.iam.gserviceaccount.com",
        "$DEPLOYER": "user:somebody@example.se",
        "$URL": "https://skolsynk.example.se",
    }
    for name, value in values.items():
        found = [command.replace(name, value) for command in found]
    return found


def test_gcloud_knows_the_documented_commands_and_those_of_make_deploy(
    make_deploy: Deploy, tmp_path: Path
):
    commands = documented()
    assert len(commands) > 50
    settings = tmp_path / "settings.yaml"
    settings.write_text(documented_settings())
    dry = make_deploy("PROJECT=my-project", "VERSION=v1", f"SETTINGS={settings}", "DRY=1").stdout
    deploying = re.findall(
        r"(?:^|\$\(|if |then |else )(gcloud .*?)(?:\)/readyz\"| >|;|$)", dry, re.MULTILINE
    )
    assert {command.split()[3] for command in deploying} >= {
        "describe",
        "update",
        "create",
        "replace",
    }

    faults = lint([*commands, *deploying, "gcloud app deploy --no-such-flag"], tmp_path)
    assert [fault.partition(":")[0] for fault in faults] == ["gcloud app deploy --no-such-flag"]


def test_the_documented_commands_set_up_what_firestore_indexes_json_says():
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    kept = {(o["collectionGroup"], o["fieldPath"]) for o in overrides if o.get("ttl")}
    without = {(o["collectionGroup"], o["fieldPath"]) for o in overrides if o["indexes"] == []}

    def fields(action: str, flag: str) -> set[tuple[str, str]]:
        found = re.findall(
            rf"^gcloud firestore {action} (\w+) --collection-group=(\w+) {flag}", DOCS, re.MULTILINE
        )
        return {(group, field) for field, group in found}

    assert fields("fields ttls update", "--enable-ttl") == kept
    assert fields("indexes fields update", "--disable-indexes") == without


def test_the_document_names_all_scopes():
    assert ",".join(SCOPES) in DOCS


def test_the_documented_way_to_make_queues_elsewhere_makes_those_of_the_profiles(tmp_path: Path):
    (command,) = re.findall(r'^sh -exc "\$\(\.venv/bin/(python -m .*)\)"$', DOCS, re.MULTILINE)
    (tmp_path / "vendors.toml").write_text('[vendors.ilt]\nname = "ILT"\n')
    given = {"$PROJECT": "my-project", "$REGION": "europe-west1", "var": str(tmp_path)}
    for name, value in given.items():
        command = command.replace(name, value)
    done = subprocess.run(
        [sys.executable, *command.split()[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r"queues create (\S+)", done.stdout) == ["runs", "deliver-ilt"]


def test_the_documents_vendor_profile_is_one(tmp_path: Path):
    (profile,) = re.findall(r"^```toml\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    path = tmp_path / "vendors.toml"
    path.write_text('[vendors.binogi]\nname = "Binogi"\n' + profile.replace("…", "scim.example"))
    assert load_vendors(path)["binogi"].endpoint("live").secret.startswith("secretmanager:")
    assert "binogi" in tomllib.loads((ROOT / "vendors.toml").read_text())["vendors"]


def test_nobody_may_read_or_write_in_firestore_but_the_server():
    rules = (ROOT / "firestore.rules").read_text()
    assert re.findall(r"allow [^;]*;", rules) == ["allow read, write: if false;"]
    assert "match /{document=**}" in rules
