"""What a command's JSON says, as text for people."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.egil_state import TYPES
from tests.support.scenario_text import Labels

JSON = dict[str, Any]

DONE = {"create": "created", "update": "updated", "delete": "deleted"}
ENDPOINTS = {name: endpoint for endpoint, name in TYPES.items()}


def report_lines(
    said: str, labels: Labels, users: Mapping[str, str], planned: bool
) -> Iterator[str]:
    """The report of a run, or of what was reconciled; `users` are names for Workspace ids.

    `planned` is whether the operations are only planned, as in a preview.
    """
    report = json.loads(said) if said.startswith("{") else {}
    for connection in report.get("connections", ()):
        yield from _connection(connection, labels, planned)
    for drift in report.get("types", ()):
        found = (f"{k} {v}" for k, v in drift.items() if v and k not in ("resourceType", "listed"))
        yield f"{drift['resourceType']}: {', '.join(found) or 'none'}"
    if "released" in report:
        yield f"released: {report['released']}"
    if "content" in report:
        yield f"approved in advance: {report['people'] if report['approved'] else 'no'}"
    if report.get("detail"):
        yield f"    {report['detail']}"
    for finding in report.get("findings", ()):
        yield f"finding: {finding['code']} {users.get(finding['subject'], finding['subject'])}"


def _connection(told: JSON, labels: Labels, planned: bool) -> Iterator[str]:
    parts = [told["status"]]
    for kind, counts in told["operations"].items():
        if counts:
            verb = f"would {kind}" if planned or told["status"] == "held" else DONE[kind]
            parts.append(f"{verb} " + ", ".join(f"{n} {t}" for t, n in counts.items()))
    yield f"{told['vendor']} {told['mode']}: {'; '.join(parts)}"
    if told["hold"]:
        yield f"    held: {told['hold']['reason']}"
    if told["detail"]:
        yield f"    {told['detail']}"
    yield from sorted(_failure(each, labels) for each in told["failures"])
    if told["left"]:
        yield f"    left for the next run: {told['left']}"
    if told["refused"]:
        yield f"    refused, and left alone: {told['refused']}"


def _failure(told: JSON, labels: Labels) -> str:
    kind = told["resourceType"]
    what = f"{told['operation']} {kind} {labels.of(ENDPOINTS[kind], told['externalId'])}"
    return f"    failed: {what}: {told['httpStatus']} {told['detail']}".rstrip()
