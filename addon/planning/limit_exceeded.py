"""The limits of a connection that a plan exceeds, and how they are said in English. Pure."""

from typing import Literal

from msgspec import Struct

from addon.text import counted

TYPE_NAMES = {
    "User": ("person", "people"),
    "StudentGroup": ("class or group", "classes and groups"),
    "Activity": ("activity", "activities"),
}
"""The names of one resource and of several; those of other types do not change."""


class LimitExceeded(Struct, frozen=True, omit_defaults=True):
    """A limit of a connection that a plan exceeds.

    With the `kind` `removed`, `number` resources of `type` would be removed, out of `there` if
    that is given. With `more` or `fewer`, the vendor would have `number` more or fewer resources
    of `type` than the `there` that it has now. With `place-missing`, `number` people would be
    removed from a unit whose selection names an OU or a group that is not there. With `group-
    emptied`, `number` memberships would end in groups that lose most of their members by two
    readings alone. With `protected`, `number` people became protected in one step. `limit` is a
    percentage if `percent` is true, otherwise a number. `earlier` of `number` were removed by
    other runs of the last 24 hours, and are in `there`.
    """

    kind: Literal["removed", "more", "fewer", "place-missing", "group-emptied", "protected"]
    number: int
    limit: int | float
    percent: bool = False
    there: int | None = None
    type: str = "User"
    earlier: int = 0

    def __str__(self) -> str:
        if self.kind == "place-missing":
            return (
                f"{_people(self.number)} would be removed because an organisational unit or a "
                "group that their selection names is missing from the directory"
            )
        if self.kind == "group-emptied":
            memberships = (
                "1 membership would end in a group that loses most of its members"
                if self.number == 1
                else f"{self.number} memberships would end in groups that lose most of their "
                "members"
            )
            return f"{memberships}; the readings agree, but Google has not confirmed it"
        limit = f"the limit is {self.limit:g}{' percent' if self.percent else ''}"
        if self.kind == "protected":
            return f"{_people(self.number)} became protected at once; {limit}"
        if self.kind != "removed":
            since = " 24 hours ago" if self.earlier else ""
            return (
                f"{self.number} {self.kind} {self.type} than the {self.there} there{since}; {limit}"
            )
        one, several = TYPE_NAMES.get(self.type, (self.type, self.type))
        if self.there is None:
            what = counted(self.number, one, several)
        else:
            what = f"{self.number} of {counted(self.there, one, several)}"
        if self.earlier:
            already = f"{self.earlier} already {'is' if self.earlier == 1 else 'are'}"
            return f"{what} would be removed within 24 hours, of which {already}; {limit}"
        return f"{what} would be removed; {limit}"


def _people(number: int) -> str:
    return counted(number, *TYPE_NAMES["User"])
