"""How plausible the school years are that a rule gives a unit's students."""

from collections.abc import Collection, Mapping

from addon.proposals.rule_outcome import RuleOutcome

_YEARS: Mapping[str, range] = {
    "FKLASS": range(0, 1),
    "GR": range(0, 10),
    "SP": range(0, 11),
    "SAM": range(0, 7),
    "GRAN": range(0, 11),
    "GRS": range(0, 11),
    "GY": range(1, 4),
    "GYAN": range(1, 5),
    "GYS": range(1, 5),
}
"""The school years of each type in the register."""
_UPPER_IN_SEQUENCE = range(0, 14)
WITHOUT_YEARS = frozenset({"VUX", "SFI", "SARVUX"})


def possible_years(school_types: Collection[str]) -> frozenset[int]:
    """The school years that a unit can have; all of them if its types do not say."""
    known = [_YEARS[each] for each in school_types if each in _YEARS]
    if not known or {"GR", "GY"} <= set(school_types):
        return frozenset(_UPPER_IN_SEQUENCE)
    return frozenset(year for years in known for year in years)


def plausibility(
    result: RuleOutcome,
    school_types: Collection[str],
    named: frozenset[int],
    without: int = 0,
) -> float:
    """Return from 0 to 1 how likely the years are to be right.

    `named` are the years in the unit's name; `without` of the students are known to have none.
    """
    expected = result.students - without
    if expected <= 0 or not result.found:
        return 0.0
    counts = {int(part.name): part.students for part in result.found}
    allowed = possible_years(school_types)
    inside: float = sum(count for year, count in counts.items() if year in allowed)
    if named:
        inside -= 0.5 * sum(count for year, count in counts.items() if year not in named)
    if school_types and WITHOUT_YEARS.issuperset(school_types):
        return 0.0
    share = max(0.0, inside) / expected
    span = max(counts) - min(counts) + 1
    sequence = len(counts) / span
    even = min(1.0, 4 * min(counts.values()) / max(counts.values()))
    return min(1.0, share) * (0.55 + 0.3 * sequence + 0.15 * even)
