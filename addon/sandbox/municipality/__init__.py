"""An invented Swedish municipality, Storköping, as a Google Workspace domain.

The same arguments always give the same domain, within a school year. It has the irregularities
of real ones (`addon.sandbox.municipality.irregularities`), and beside the schools that were planned
alike some with habits of their own (`addon.sandbox.municipality.other_schools`).
"""

from datetime import date
from random import Random

from addon.roster.years import autumn_of
from addon.sandbox.domain import Domain
from addon.sandbox.municipality.irregularities import add_irregularities
from addon.sandbox.municipality.other_schools import add_other_schools
from addon.sandbox.municipality.schools import Municipality

__all__ = ["generate"]


def generate(
    students: int = 600,
    staff: int = 70,
    groups: int | None = None,
    seed: int = 1,
    others: bool = True,
    autumn: int | None = None,
) -> Domain:
    """Generate a municipality with this many student and staff accounts.

    Some shared and technical accounts are added, and unless `others` is false the schools of other
    habits, whose classes are named for the school year that begins in `autumn` (None: the present
    one). `groups` is the requested number of Google
    groups; those that the schools need are always included, and there are never more teaching
    groups than classes times subjects. None gives each class two.
    """
    municipality = Municipality(Random(seed), students)
    municipality.fill_schools()
    municipality.employ(staff)
    municipality.make_common_groups()
    add_irregularities(municipality)
    if others:
        year = autumn_of(date.today()) if autumn is None else autumn
        add_other_schools(municipality, students, year)
    municipality.make_teaching_groups(groups)
    return municipality.domain
