"""School unit codes in the names, descriptions and attributes of a domain: the strongest key."""

import re
from collections.abc import Collection, Sequence

from addon.directory.snapshot import Group, OrgUnit

_CODE = re.compile(r"(?<!\d)[1-9]\d{7}(?!\d)")


class UnitCodes:
    """Finds the codes of some units in texts."""

    def __init__(self, codes: Collection[str]) -> None:
        self._codes = frozenset(codes)

    def of_org_unit(self, name: str, unit: OrgUnit | None) -> str:
        """The only code in an OU's name or description; empty if there is none or several."""
        return self._only((name,), unit.described_codes if unit else ())

    def of_group(self, group: Group) -> str:
        """The only code in a group's address, name or description; empty if there is none."""
        local = group.email.rpartition("@")[0]
        return self._only((local, group.name), group.described_codes)

    def of_text(self, text: str) -> str:
        """The only code in a text; empty if there is none or several."""
        return self._only((text,), ())

    def _only(self, texts: Sequence[str], described: Sequence[str]) -> str:
        found = {code for text in texts for code in _CODE.findall(text)} | set(described)
        known = found & self._codes
        return known.pop() if len(known) == 1 else ""


def without_code(text: str) -> str:
    """The text without numbers that may be codes of school units."""
    return _CODE.sub(" ", text)
