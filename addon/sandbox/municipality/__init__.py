"""An invented Swedish municipality, Storköping, as a Google Workspace domain.

The same arguments give the same domain, always. It has the mess of real ones: see
`addon.sandbox.municipality.mess`.
"""

from random import Random

from addon.sandbox.domain import Domain
from addon.sandbox.municipality.mess import make_a_mess
from addon.sandbox.municipality.schools import Town

__all__ = ["generate"]


def generate(
    students: int = 600, staff: int = 70, groups: int | None = None, seed: int = 1
) -> Domain:
    """A municipality with this many student and staff accounts.

    Some shared and technical accounts come on top. `groups` is the number of Google groups
    wanted; those that the schools cannot do without are always there, and there are never
    more teaching groups than classes times subjects. None gives each class two.
    """
    town = Town(Random(seed), students)
    town.fill_schools()
    town.employ(staff)
    town.make_common_groups()
    make_a_mess(town)
    town.make_teaching_groups(groups)
    return town.domain
