"""Why something is proposed: a code and values, so that every language can phrase it."""

from collections.abc import Mapping

from msgspec import Struct

CODES: Mapping[str, tuple[str, ...]] = {
    "student-ou": ("path", "count", "similarity"),
    "staff-ou": ("path", "count", "similarity"),
    "student-group": ("group", "count", "similarity"),
    "staff-group": ("group", "count", "similarity"),
    "student-attribute": ("path", "attribute", "value", "count", "similarity"),
    "staff-attribute": ("path", "attribute", "value", "count", "similarity"),
    "parts-of-ou": ("path", "above", "count"),
    "only-unit": ("path", "count"),
    "only-of-kind": ("path", "count"),
    "unit-code": ("path", "count"),
    "class-groups": ("groups", "count"),
    "same-people": ("units", "count"),
    "more-staff-group": ("group", "count"),
    "guest-group": ("group", "count"),
    "more-ou": ("path", "count"),
    "mixed-ou": ("path",),
    "contested": ("path", "units"),
    "several-places": ("path", "other"),
    "shared-tree": ("path", "units"),
    "split-by-years": ("path", "units"),
    "split-by-programme": ("path", "units"),
    "no-students": (),
    "no-staff": (),
    "empty": ("path",),
    "ceased": ("status",),
    "titles-not-understood": ("names", "count"),
    "left-ou": ("path", "count"),
    "devices": ("stem", "count"),
    "function-accounts": ("addresses", "count"),
    "other-below": ("path",),
    "protected-ou": ("path",),
    "protected-group": ("group",),
    "classes": ("count", "examples", "without"),
    "no-classes": (),
    "classes-left-out": ("names", "count"),
    "classes-are-years": ("names",),
    "classes-not-understood": (),
    "odd-classes": ("names", "count"),
    "several-classes": ("count",),
    "many-without-class": ("count",),
    "large-class": ("count",),
    "no-school-years": (),
    "years-contradict": ("years", "other"),
    "teaching-groups": ("count", "examples"),
    "school-years": ("years", "without"),
}
"""Every code with the names of its values. `path` is an OU path or a group's address,
`similarity` a percentage; `units` (unit codes) and `examples` (names) are comma-separated."""


DOUBTS = frozenset(
    {
        "contested",
        "several-places",
        "no-students",
        "no-staff",
        "empty",
        "ceased",
        "titles-not-understood",
        "mixed-ou",
        "no-classes",
        "shared-tree",
        "same-people",
        "odd-classes",
        "classes-left-out",
        "classes-are-years",
        "classes-not-understood",
        "several-classes",
        "many-without-class",
        "large-class",
        "no-school-years",
        "years-contradict",
    }
)
"""The reasons that an administrator must judge; the others only explain."""


class Reason(Struct, frozen=True):
    """Why something is proposed, or what is uncertain about it; see `CODES`."""

    code: str
    values: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, name: str) -> str:
        """Return one of the values by its name."""
        return dict(self.values)[name]


def reason(code: str, **values: str) -> Reason:
    """The reason `code` with its values. Raises KeyError for an unknown code."""
    return Reason(code, tuple((name, values[name]) for name in CODES[code]))
