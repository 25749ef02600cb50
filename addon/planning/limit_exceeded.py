"""The limits of a connection that a plan exceeds, and how they are said in English. Pure."""

from typing import Literal

from msgspec import Struct

TYPE_NAMES = {"User": "people", "StudentGroup": "classes and groups", "Activity": "activities"}


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
                f"{self.number} people would be removed because an organisational unit or a group "
                "that their selection names is missing from the directory"
            )
        if self.kind == "group-emptied":
            return (
                f"{self.number} memberships would end in groups that lose most of their members; "
                "the readings agree, but Google has not confirmed it"
            )
        limit = f"the limit is {self.limit:g}{' percent' if self.percent else ''}"
        if self.kind == "protected":
            return f"{self.number} people became protected at once; {limit}"
        if self.kind != "removed":
            since = " 24 hours ago" if self.earlier else ""
            return (
                f"{self.number} {self.kind} {self.type} than the {self.there} there{since}; {limit}"
            )
        what = TYPE_NAMES.get(self.type, self.type)
        of = "" if self.there is None else f" of {self.there}"
        if self.earlier:
            return (
                f"{self.number}{of} {what} would be removed within 24 hours, of which "
                f"{self.earlier} already are; {limit}"
            )
        return f"{self.number}{of} {what} would be removed; {limit}"
