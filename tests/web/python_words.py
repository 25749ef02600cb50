"""Texts to translate in Python, found by its grammar, so that those inside f-strings are too."""

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

Found = tuple[int, str, tuple[str | None, ...], list[str]]


def extract(
    file: IO[bytes],
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[Found]:
    """Each call of one of `keywords` with its line and its texts, as Babel asks its extractors.

    https://babel.pocoo.org/en/latest/messages.html#writing-extraction-methods
    """
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if name in keywords:
                yield node.lineno, name, tuple(map(_text, node.args)), []


def _text(argument: ast.expr) -> str | None:
    """The text that an argument is, or None when it is worked out."""
    is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return argument.value if is_text else None
