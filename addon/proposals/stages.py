"""The places of one school that has several: an OU for each stage, SFI beside Komvux."""

from msgspec import structs

from addon.proposals.matching import Match
from addon.proposals.places import Place

_FITS = 0.6
_STAGE_FITS = 0.5
_ALL_STAGES = 0.92
_ADULT, _SFI = "adult", "sfi"


def stages_beside(match: Match | None, taken: set[str]) -> tuple[Place, ...]:
    """The OUs of the other stages of a school whose OU has one stage, such as F-6 and 7-9.

    SFI is such a part of the school for adults that it lies beside.
    """
    if match is None:
        return ()
    if match.score >= _FITS and _forms(match.place) == {_ADULT}:
        return tuple(
            place
            for place, score in match.others
            if score >= _STAGE_FITS
            and _forms(place) == {_ADULT, _SFI}
            and not any(name.core for name in place.names)
            and place.org_units
            and place.text not in taken
            and is_sibling(match.place, place)
        )
    years = _years(match.place)
    found: list[Place] = []
    for place, score in match.others:
        theirs = _years(place)
        fits = score >= _STAGE_FITS and place.org_units and place.text not in taken
        if years and theirs and fits and not years & theirs:
            found.append(place)
            years |= theirs
    return tuple(found)


def whole_by_stages(match: Match | None, years: frozenset[int], taken: set[str]) -> Match | None:
    """The match, better if its stages together are all of the unit's school years."""
    if match is None or not years:
        return match
    stages = frozenset().union(*map(_years, (match.place, *stages_beside(match, taken))))
    return structs.replace(match, score=max(match.score, _ALL_STAGES)) if stages == years else match


def _forms(place: Place) -> frozenset[str]:
    return frozenset(kind for name in place.names for kind in name.kinds)


def _years(place: Place) -> frozenset[int]:
    return frozenset(year for name in place.names for year in name.years)


def is_sibling(one: Place, other: Place) -> bool:
    """Whether two places are OUs beside each other."""
    return any(
        a.rpartition("/")[0] == b.rpartition("/")[0] != ""
        for a in one.org_units
        for b in other.org_units
    )
