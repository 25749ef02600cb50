"""What the next run would do at a vendor, by name."""

from collections.abc import Mapping

from msgspec import Struct

from addon.delivery.plan import Operation
from addon.web.here import Here
from addon.web.study import Desk, Foreseen
from addon.web.views.people import swedish
from addon.web.views.subjects import Subject, subjects

ORDER = ("delete", "create", "update")
"""What removes comes first: it is what people fear."""


class Deed(Struct, frozen=True):
    """One thing that would be done to one resource; `subject` None: no longer in the directory."""

    kind: str
    resource_type: str
    external_id: str
    subject: Subject | None
    protected: bool = False


class Outlook(Struct, frozen=True):
    """A vendor's next run: `counts` by kind of operation and type, and the deeds to people."""

    vendor: str
    foreseen: Foreseen
    counts: dict[str, dict[str, int]]
    people: tuple[Deed, ...]
    others: tuple[Deed, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing would be sent."""
        return not any(any(by_type.values()) for by_type in self.counts.values())

    def number(self, kind: str) -> int:
        """To how many people something of this kind would be done."""
        return self.counts.get(kind, {}).get("User", 0)


def outlook(here: Here, desk: Desk, vendor: str) -> Outlook | None:
    """The next run at a vendor; None where it is off. Raises NotReady."""
    foreseen = desk.foreseen(vendor, here.newest_run)
    if foreseen is None:
        return None
    known = subjects(desk)
    name = ("outlook", vendor, foreseen.connection.mode, here.newest_run)
    return desk.make(name, lambda: _outlook(vendor, foreseen, known))


def resource(foreseen: Foreseen, external_id: str) -> Operation | None:
    """The operation of the plan that is about a resource."""
    found = (op for op in foreseen.plan.operations() if op.external_id == external_id)
    return next(found, None)


def _outlook(vendor: str, foreseen: Foreseen, known: Mapping[str, Subject]) -> Outlook:
    counts: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
    people: list[Deed] = []
    others: list[Deed] = []
    hidden = {op.external_id for op in foreseen.plan.protected}
    for op in foreseen.plan.operations():
        by_type = counts[op.kind]
        by_type[op.resource_type] = by_type.get(op.resource_type, 0) + 1
        protected = op.external_id in hidden
        subject = None if protected else known.get(op.external_id)
        deed = Deed(op.kind, op.resource_type, op.external_id, subject, protected)
        (people if op.resource_type == "User" else others).append(deed)
    return Outlook(vendor, foreseen, counts, _sorted(people), _sorted(others))


def _sorted(deeds: list[Deed]) -> tuple[Deed, ...]:
    return tuple(
        sorted(
            deeds,
            key=lambda d: (
                ORDER.index(d.kind),
                d.resource_type,
                d.subject is None,
                swedish(d.subject.name) if d.subject else "",
                d.external_id,
            ),
        )
    )
