"""Search for a rule's pattern in a text and extract its named part."""

from collections.abc import Callable
from typing import NamedTuple

from addon.tenants.conditions import compiled
from addon.text import composed


class PatternMatch(NamedTuple):
    """Where a pattern was found in a composed text.

    `part` is the named part without surrounding whitespace: empty when it did not take part in
    the match, None when the pattern has no such part. `end` is where the named part ends, or
    where the match ends if there is none. `whole` is the text of the whole match.
    """

    part: str | None
    end: int
    whole: str


Finder = Callable[[str], PatternMatch | None]


def finder(pattern: str, name: str) -> Finder:
    """Return a caching search for `pattern` and its part `name`; it gives None without a match.

    Raises PatternError for a bad pattern. The search itself raises SlowPatternError.
    """
    regex = compiled(pattern)
    named = name in regex.groupindex
    seen: dict[str, PatternMatch | None] = {}

    def find(text: str) -> PatternMatch | None:
        try:
            return seen[text]
        except KeyError:
            hit = seen[text] = look(text)
            return hit

    def look(text: str) -> PatternMatch | None:
        match = regex.search(composed(text))
        if match is None:
            return None
        part = (match[name] or "").strip() if named else None
        end = match.end(name) if named and match[name] is not None else match.end()
        return PatternMatch(part, end, match[0].strip())

    return find
