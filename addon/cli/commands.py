"""The command line: `python -m addon COMMAND`. Commands and exit statuses are a contract."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from addon import logs
from addon.bootstrap import secret_manager, sync_context
from addon.cli import output
from addon.cli.progress import ProgressLine
from addon.cli.proposals import add_propose_command
from addon.cli.sessions import add_revoke_command
from addon.cli.stores import Command, Commands, UsageError, with_store
from addon.cli.tenant_documents import add_tenant_commands
from addon.cli.terminal import printable, printable_json, safe_output
from addon.delivery.lease import LeaseHeldByOther
from addon.directory.errors import DirectoryError
from addon.settings import Settings, SettingsError
from addon.store.base import Store, StoreError
from addon.sync.advance_approval import (
    AdvanceReport,
    NotRehearsedError,
    approve_content,
    take_back_by_command,
)
from addon.sync.context import COMMAND_LINE, NotFoundError, SyncContext
from addon.sync.deletion import StillAtVendorsError
from addon.sync.holds import approve
from addon.sync.people_csv import write_people_csv
from addon.sync.protected_set import release
from addon.sync.reconcile import reconcile
from addon.sync.report import DONE, FAILED, HELD, UNREAD, USAGE, RunReport
from addon.sync.run import preview, sync
from addon.sync.status import status
from addon.sync.withdraw import withdraw
from addon.tenants.conditions import SlowPatternError
from addon.tenants.document import DocumentError
from addon.tenants.licence import FarewellError
from addon.tenants.pause import PausedError
from addon.vendors.profiles import NotConfigured
from addon.web.directory.snapshot_store import forget

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command and return its exit status, whatever becomes of its output."""
    with safe_output():
        return _carry_out(_parser().parse_args(arguments))


def _carry_out(given: argparse.Namespace) -> int:
    try:
        for name in ("id", "vendor"):
            _check_text(getattr(given, name, None))
        settings = Settings.from_environ()
        form = settings.log_format, settings.project
        logs.configure(settings.log_level, *form, stream=sys.stderr)  # stdout is for reports
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        command: Command = given.run
        return command(given, settings)
    except DocumentError as error:
        return _fail(str(error), USAGE)
    except (
        SettingsError,
        UsageError,
        NotFoundError,
        NotRehearsedError,
        FarewellError,
        PausedError,
        StillAtVendorsError,
        NotConfigured,
        StoreError,
    ) as error:
        return _fail(str(error), USAGE)
    except SlowPatternError as error:
        return _fail(str(error), USAGE)
    except DirectoryError as error:
        return _fail(str(error), UNREAD)
    except LeaseHeldByOther as taken:
        return _fail(str(taken), FAILED)
    except KeyboardInterrupt:
        return _fail("stopped; the next run goes on from here", FAILED)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors repeat arguments without their control characters."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(
        prog="python -m addon",
        description="Keeps vendors of digital teaching material up to date with a school's "
        "Google Workspace.",
        epilog="Exit status: 0 done; 1 some operations failed and will be retried by the next "
        "run; 2 bad usage or configuration; 3 held, waiting for approval; 4 the directory could "
        "not be read whole.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    add_tenant_commands(commands)
    add_propose_command(commands)
    _add_runs(commands)
    add_revoke_command(commands)
    _add_serving(commands)
    return parser


def _add_runs(commands: Commands) -> None:
    def add(name: str, text: str, run: Command, vendor: str | None) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("id", metavar="ID", help="the tenant's customer id")
        if vendor:
            command.add_argument("--vendor", metavar="V", required=vendor == "needed")
        command.set_defaults(run=run)
        return command

    command = add("preview", "read and plan, send nothing", _preview, "optional")
    command.add_argument("--csv", metavar="FILE", type=Path, help="write the whole overview there")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command = add("sync", "one run: read, plan, deliver", _sync, "optional")
    command.add_argument(
        "--seconds", metavar="N", type=_seconds, help="stop cleanly when these are spent"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command = add("approve", "let a held plan go", _approve, "needed")
    before = command.add_mutually_exclusive_group()
    before.add_argument(
        "--advance", metavar="H", help="after a pause, if it is what `preview` has shown"
    )
    before.add_argument("--revoke", action="store_true", help="what was approved in advance")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command = add("reconcile", "ask the vendor what it holds, fix the ledger", _reconcile, "needed")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument(
        "--yes", action="store_true", help="the address is right, however much is missing there"
    )
    command = add("withdraw", "remove everything at the vendor, turn it off", _withdraw, "needed")
    command.add_argument("--mode", choices=("test", "live"), help="in one environment alone")
    command.add_argument("--yes", action="store_true", help="however many people it removes")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command = add("release", "send people whose protection has ended, as others", _release, None)
    whom = command.add_mutually_exclusive_group(required=True)
    whom.add_argument("--user", metavar="GOOGLEID", help="one person")
    whom.add_argument("--all", action="store_true", help="everybody whose protection has ended")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command = add("status", "last run, holds, failures, by connection", _status, None)
    command.add_argument("--json", action="store_true", help="print one JSON object")


def _add_serving(commands: Commands) -> None:
    command = commands.add_parser(
        "serve", help="the configuration pages, and each tenant's runs as scheduled"
    )
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=8080)
    command.add_argument("--quiet", action="store_true", help="say nothing of the start")
    command.set_defaults(run=_serve)
    command = commands.add_parser("demo", help="the story told on a sandbox domain, then its pages")
    command.add_argument("--port", type=int, default=8080)
    which = command.add_mutually_exclusive_group()
    which.add_argument("--once", action="store_true", help="end after the story")
    which.add_argument("--fresh", action="store_true", help="no story, and nothing set up")
    command.set_defaults(run=_demo)


def _check_text(argument: str | None) -> None:
    """Raise UsageError if an argument is not text in the terminal's encoding."""
    try:
        (argument or "").encode()
    except UnicodeEncodeError:
        raise UsageError(f"{argument} is not text that can be read") from None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError
    return seconds


# Runs


def _preview(given: argparse.Namespace, settings: Settings) -> int:
    def run(context: SyncContext) -> int:
        report, prepared = preview(context, given.id, given.vendor)
        if given.csv is not None:
            try:
                write_people_csv(given.csv, prepared.decision_rows())
            except OSError as error:
                raise UsageError(f"{given.csv} cannot be written: {error.strerror}") from None
        _print_report(report, given.json, planned=True)
        return DONE

    return _in_sync_context(settings, run)


def _sync(given: argparse.Namespace, settings: Settings) -> int:
    return _report(
        given, settings, lambda context: sync(context, given.id, given.vendor, given.seconds)
    )


def _approve(given: argparse.Namespace, settings: Settings) -> int:
    if given.advance is None and not given.revoke:
        return _report(given, settings, lambda context: approve(context, given.id, given.vendor))

    def answer(context: SyncContext) -> AdvanceReport:
        if given.revoke:
            return take_back_by_command(context, given.id, given.vendor, COMMAND_LINE)
        return approve_content(context, given.id, given.vendor, given.advance, COMMAND_LINE)

    found = _in_sync_context(settings, answer)
    _print(msgspec.json.encode(found) if given.json else output.approved_in_advance(found))
    return HELD if found.held and not found.approved else DONE


def _withdraw(given: argparse.Namespace, settings: Settings) -> int:
    return _report(
        given,
        settings,
        lambda context: withdraw(context, given.id, given.vendor, given.yes, mode=given.mode),
    )


def _reconcile(given: argparse.Namespace, settings: Settings) -> int:
    found = _in_sync_context(
        settings, lambda context: reconcile(context, given.id, given.vendor, given.yes)
    )
    _print(msgspec.json.encode(found) if given.json else output.reconciled(found))
    if found.held:
        return HELD
    return DONE if found.whole else FAILED


def _release(given: argparse.Namespace, settings: Settings) -> int:
    def run(context: SyncContext) -> int:
        number = release(context, given.id, None if given.all else {given.user})
        if number:
            forget(context.store, given.id)  # the directory for pages was kept without them
        return number

    number = _in_sync_context(settings, run)
    found = {"tenant": given.id, "released": number}
    said = f"{given.id}: {number} released; the next run sends them where they are chosen"
    print(msgspec.json.encode(found).decode() if given.json else said)
    return DONE


def _status(given: argparse.Namespace, settings: Settings) -> int:
    found = with_store(settings, lambda store: status(settings, store, given.id, secret_manager()))
    _print(msgspec.json.encode(found) if given.json else output.status(found))
    return DONE


# The web application, and the demo


def _serve(given: argparse.Namespace, settings: Settings) -> int:
    from addon.cli.port import PortError, usable
    from addon.cli.server import serve

    logs.configure(settings.log_level, settings.log_format, settings.project)
    try:
        usable(given.host, given.port)
    except PortError as error:
        raise UsageError(str(error)) from None
    serve(settings, given.host, given.port, given.quiet)
    return DONE


def _demo(given: argparse.Namespace, settings: Settings) -> int:
    try:
        from addon.sandbox.demo import demo
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the sandbox needs {error.name}: install requirements-dev.txt, or run `make demo`"
        ) from None
    return demo(given.port, given.once, given.fresh)


# Shared by several commands


def _report(
    given: argparse.Namespace, settings: Settings, run: Callable[[SyncContext], RunReport]
) -> int:
    report = _in_sync_context(settings, run)
    _print_report(report, given.json)
    return report.exit_status


def _print_report(report: RunReport, as_json: bool, planned: bool = False) -> None:
    _print(report.json() if as_json else output.report(report, planned))


def _print(result: str | bytes) -> None:
    """Print a text, or JSON given as bytes."""
    print(printable_json(result, sys.stdout.encoding) if isinstance(result, bytes) else result)


def _in_sync_context(settings: Settings, work: Callable[[SyncContext], T]) -> T:
    """Return the result of `work` with an open store, and progress on the terminal."""

    def run(store: Store) -> T:
        with ProgressLine(sys.stderr) as progress:
            return work(sync_context(settings, store, progress.reading, progress.delivering))

    return with_store(settings, run)


def _fail(message: str, status: int) -> int:
    print(f"skolsynk: {printable(message)}", file=sys.stderr)
    return status
