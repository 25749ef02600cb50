"""An invented Swedish municipality, Storköping, as a Google Workspace domain.

The same arguments always give the same domain. It has the irregularities of real ones: see
`addon.sandbox.municipality.irregularities`.
"""

from random import Random

from addon.sandbox.domain import Domain
from addon.sandbox.municipality.irregularities import add_irregularities
from addon.sandbox.municipality.schools import Municipality

__all__ = ["generate"]


def generate(
    students: int = 600, staff: int = 70, groups: int | None = None, seed: int = 1
) -> Domain:
    """Generate a municipality with this many student and staff accounts.

    Some shared and technical accounts are added. `groups` is the requested number of Google
    groups; those that the schools need are always included, and there are never more teaching
    groups than classes times subjects. None gives each class two.
    """
    municipality = Municipality(Random(seed), students)
    municipality.fill_schools()
    municipality.employ(staff)
    municipality.make_common_groups()
    add_irregularities(municipality)
    municipality.make_teaching_groups(groups)
    return municipality.domain
