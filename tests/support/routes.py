"""Which routes there are and who may use them, for the snapshot in routes.txt; and walks of them.

A new route is a decision. Where it is meant:

    .venv/bin/python -m tests.support.routes > tests/support/routes.txt
"""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from werkzeug.routing import Rule

from addon import create_app
from addon.settings import Settings, SqliteAddress
from addon.web.security.auth import OPEN, roles
from addon.web.security.headers import FOR_PROGRAMS

SNAPSHOT = Path(__file__).with_name("routes.txt")
HOW = "If this is meant: .venv/bin/python -m tests.support.routes > tests/support/routes.txt"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def said(folder: Path) -> list[str]:
    """A line for each route, with the role it needs."""
    app = create_app(Settings(SqliteAddress(folder / "x.db"), {}))
    return [f"{role:<13} {rule}" for rule, role in roles(app).items()]


def walk(app: Flask, ids: Mapping[str, str]) -> Iterator[tuple[str, str, Rule]]:
    """Each route that is for administrators, as method, address and rule; `ids` fill it in.

    An argument is looked up by its rule's first part and its name (`datakvalitet code`), then by
    its name alone.
    """
    known = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        first = rule.rule.split("/")[1]
        if rule.endpoint in OPEN or first in FOR_PROGRAMS:
            continue
        named = {
            name: ids.get(f"{first} {name}", ids.get(name, "other")) for name in rule.arguments
        }
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for chosen in _choices(rule):
                yield method, known.build(rule.endpoint, named | chosen, method=method), rule


def _choices(rule: Rule) -> Iterator[dict[str, str]]:
    """The ways to fill in those arguments of a route that can be only some words."""
    listed = re.findall(r"<any\(([^)]*)\):(\w+)>", rule.rule)
    names = [name for _, name in listed]
    for words in product(*(re.findall(r"[\w-]+", said) for said, _ in listed)):
        yield dict(zip(names, words, strict=True))


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        print("\n".join(said(Path(folder))))
