"""Plays a scenario: the real command line between a sandbox domain and EGIL servers."""

import json
import logging
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.request import Request, urlopen

from msgspec import structs

import addon.bootstrap
import addon.cli.commands
from addon.sandbox.domain import CHANGES, Domain
from addon.tenants.pause import today
from tests.support.egil_server import EgilServer
from tests.support.scenario_form import FormError, Scenario, Step, as_toml, merge
from tests.support.scenario_report import report_lines
from tests.support.scenario_text import Labels, VendorText, faults_in
from tests.support.short_waits import QUICK
from tests.support.world import World

JSON = dict[str, Any]

MODES = ("live", "test")


def play(scenario: Scenario) -> str:
    """What happens in the scenario, as text. Raises AssertionError for what never may."""
    with ExitStack() as stack:
        return "\n".join(_ScenarioRun(scenario, stack).play()) + "\n"


class _ScenarioRun:
    """A scenario in a `World` of its own."""

    def __init__(self, scenario: Scenario, stack: ExitStack) -> None:
        self._scenario = scenario
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scenario-")))
        self._document: JSON = json.loads(scenario.base_text("tenant.json"))
        merge(self._document, scenario.document)
        self._domain = Domain.from_json(json.loads(scenario.base_text("directory.json")))
        self._people: set[str] = set()
        self._users: dict[str, str] = {}
        for change in scenario.directory:
            self._change(change)
        profiles = tomllib.loads(scenario.base_text("vendors.toml"))["vendors"]
        merge(profiles, scenario.profile)
        self._servers = {
            (vendor, mode): EgilServer(strict_references=True, **scenario.server.get(vendor, {}))
            for vendor in profiles
            for mode in MODES
        }
        self._world = stack.enter_context(
            World(self._folder, self._domain, self._servers, as_toml(profiles))
        )
        labels = Labels()
        self._labels = labels
        self._texts = {key: VendorText(server, labels) for key, server in self._servers.items()}
        self._imported = b""
        self._content = ""

    def play(self) -> Iterator[str]:
        """Everything that is expected, line by line."""
        scenario = self._scenario
        if scenario.begins == "synced":
            yield from self._step(Step(what="Before: everything is at the vendors", counted=True))
        for number, step in enumerate(scenario.step, 1):
            yield from self._step(step, f"{number}. ")
        if scenario.not_quiet:
            yield from self._step(Step(what=f"Once more, and not quiet: {scenario.not_quiet}"))
        else:
            status, _ = self._run_step(Step(what="once more"))
            requests = [r for server in self._servers.values() for r in server.requests]
            assert not requests, f"one more sync sends {[(r.method, r.path) for r in requests]}"
            yield f"Once more: exit {status}, no request to anyone"
            yield ""
        yield from self._end()

    # Steps

    def _step(self, step: Step, number: str = "") -> Iterator[str]:
        status, lines = self._run_step(step)
        yield f"{number}{step.what}"
        yield f"exit {status}"
        yield from lines
        yield ""

    def _run_step(self, step: Step) -> tuple[int, list[str]]:
        for lost in step.vendor_loses:
            self._lose(**lost)
        for server in self._servers.values():
            server.clear()
        for change in step.directory:
            self._change(change)
        merge(self._document, step.document)
        if step.store_is_lost:
            for file in self._folder.glob("skolsynk.db*"):
                file.unlink()
            self._imported = b""
        for vendor, knobs in step.server.items():
            for mode in MODES:
                for knob, value in knobs.items():
                    setattr(self._servers[vendor, mode].knobs, knob, value)
        for fault in step.faults:
            self._ask_for_fault(**fault)
        for fault in step.directory_faults:
            self._world.directory.fail(**_always(fault))
        self._world.clock.advance(step.hours_later * 3600)
        if step.pause_ends_in_days is not None:
            until = today(self._world.clock()) + timedelta(days=step.pause_ends_in_days)
            self._document["schedule"] = {"pause": {"from": "2020-01-01", "until": f"{until}"}}
        self._import()
        status, said, complained = self._command(step.run, step.environment)
        self._world.directory.clear_failures()
        self._learn()
        self._remember_people()
        planned = step.run.startswith("preview")
        return status, [
            *(line for line in complained.splitlines() if line.startswith("skolsynk: ")),
            *report_lines(said, self._labels, self._users, planned),
            *(line for key in self._texts for line in self._requests(key, step)),
        ]

    def _change(self, change: JSON) -> None:
        arguments = dict(change)
        method = CHANGES.get(arguments.pop("change", ""))
        if method is None:
            raise FormError(f"change is one of {', '.join(sorted(CHANGES))}")
        self._remember_people()
        method(self._domain, **arguments)

    def _lose(self, vendor: str, endpoint: str, who: str, mode: str = "live") -> None:
        """Have the vendor remove a resource of its own accord."""
        server = self._servers[vendor, mode]
        url = f"{server.url}/{endpoint}/{self._held(server, endpoint, who)[0]}"
        request = Request(url, method="DELETE", headers={server.knobs.header: server.key})
        urlopen(request).close()

    def _ask_for_fault(self, vendor: str, mode: str = "live", who: str = "", **fault: Any) -> None:
        server = self._servers[vendor, mode]
        if who:
            fault["external_id"] = self._held(server, fault["endpoint"], who)[1]
        if "body" in fault:
            fault["body"] = fault["body"].encode()
        server.fail(**_always(fault))

    def _held(self, server: EgilServer, endpoint: str, who: str) -> tuple[str, str]:
        """The vendor's id and the externalId of what has this label."""
        for resource_id, body in server.held(endpoint).items():
            if self._labels.of(endpoint, body["externalId"]) == who:
                return resource_id, str(body["externalId"])
        raise FormError(f"the vendor has no {who} among its {endpoint}")

    def _import(self) -> None:
        data = json.dumps(self._document, ensure_ascii=False).encode()
        if data == self._imported:
            return
        (self._folder / "tenant.json").write_bytes(data)
        status, _, complained = self._main(
            ["tenant", "import", str(self._folder / "tenant.json")], {}
        )
        assert status == 0, f"the document is not right: {complained}"
        self._imported = data

    def _command(self, text: str, environment: Mapping[str, str]) -> tuple[int, str, str]:
        name, *arguments = text.replace("CONTENT", self._content).split()
        line = [name, self._document["customerId"], *arguments, "--json"]
        found = self._main(line, environment)
        if name == "withdraw":
            self._follow_document()
        self._refuse_names(*found[1:])
        contents = re.findall(r'"content":"(\w+)"', found[1])
        self._content = contents[0] if contents else self._content
        return found

    def _main(self, line: list[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        context = addon.bootstrap.sync_context

        def quick_context(*arguments: Any, **named: Any) -> Any:
            found = context(*arguments, **named)
            return structs.replace(found, retry_policy=QUICK, clock=self._world.clock)

        with (
            _logged(),
            mock.patch.object(addon.cli.commands, "sync_context", quick_context),
        ):
            result = self._world.run(*line, **environment)
        return result.status, result.out, result.err

    def _follow_document(self) -> None:
        """Take over what the command has changed in the document: a connection turned off."""
        _, exported, _ = self._main(["tenant", "export", self._document["customerId"]], {})
        self._document = json.loads(exported)
        self._imported = json.dumps(self._document, ensure_ascii=False).encode()

    # Telling

    def _learn(self) -> None:
        for text in self._texts.values():
            text.learn()
        self._labels.learn(sent for text in self._texts.values() for sent in text.sent())

    def _requests(self, key: tuple[str, str], step: Step) -> Iterator[str]:
        lines = list(self._texts[key].requests(step.counted, self._scenario.raw))
        if lines:
            yield f"requests to {' '.join(key)}:"
            yield from lines

    def _end(self) -> Iterator[str]:
        for key, text in self._texts.items():
            faults = list(faults_in(self._servers[key]))
            assert not faults, "\n".join(faults)
            lines = list(text.holds())
            if lines:
                yield f"In the end {' '.join(key)} holds:"
                yield from lines

    # What no command may say

    def _remember_people(self) -> None:
        for user in [*self._domain.users.values(), *self._domain.deleted.values()]:
            local = user["primaryEmail"].partition("@")[0]
            self._users.setdefault(user["id"], local)
            full = user["name"].get("fullName", "")
            self._people |= {local, *([full] if " " in full else ())}

    def _refuse_names(self, *texts: str) -> None:
        self._remember_people()
        for text in texts:
            found = [name for name in sorted(self._people) if name.lower() in text.lower()]
            assert not found, f"a person is named ({found[0]}) in: {text}"


class _ToStandardError(logging.Handler):
    """Writes to what is standard error at that moment, which a world takes for each command."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


@contextmanager
def _logged() -> Iterator[None]:
    """Write what addon logs, from INFO up, to standard error."""
    handler, logger = _ToStandardError(), logging.getLogger("addon")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def _always(fault: JSON) -> JSON:
    """TOML has no null: `times = "always"`."""
    return {**fault, "times": None} if fault.get("times") == "always" else fault
