"""The page that shows what a sandbox vendor has, for those who follow the demo."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from addon.sandbox.page_style import html_page

Resource = Mapping[str, Any]

SCHOOL_USER = "urn:scim:schemas:extension:sis:school:1.0:User"
LABELS = {
    "Organisation": "Huvudmän",
    "SchoolUnitGroup": "Skolenhetsgrupper",
    "SchoolUnit": "Skolenheter",
    "User": "Personer",
    "Employment": "Anställningar",
    "StudentGroup": "Klasser och grupper",
    "Activity": "Aktiviteter",
}
HEADINGS = {"Klass": "Klasser", "Undervisning": "Undervisningsgrupper"}
STYLE = """
.counts tbody { display: flex; flex-wrap: wrap; gap: .5rem 2rem }
.counts tr { display: flex; flex-direction: column-reverse }
.counts th, .counts td { border: 0; padding: 0 } .counts td { font-size: 1.5rem }
.counts th { font-weight: 400; font-size: .9rem; color: var(--soft) }
details ul { columns: 24rem; padding-left: 1rem; margin: .25rem 0 1rem }
details p { padding-left: 1rem }
"""


def page(name: str, resources: Mapping[str, Sequence[Resource]]) -> str:
    """Return an HTML page of a vendor's resources, by type name; all data is escaped."""
    body = (
        "<p>En leverantör på låtsas, i den här datorn. Ladda om sidan för att se ändringar.</p>"
        f"{''.join(_counts(resources))}{''.join(_Held(resources).units())}"
    )
    return html_page(f"Det här har {escape(name)}", STYLE, body)


def _counts(resources: Mapping[str, Sequence[Resource]]) -> Iterator[str]:
    yield '<table class="counts"><caption hidden>Antal objekt</caption>'
    for kind, label in LABELS.items():
        yield f'<tr><th scope="row">{label}</th><td>{len(resources.get(kind, ()))}</td></tr>'
    yield "</table>"


class _Held:
    """The resources, indexed by the references between them."""

    def __init__(self, resources: Mapping[str, Sequence[Resource]]) -> None:
        self.resources = resources
        self.names = {
            each["externalId"]: f"{each['displayName']} <{each['userName']}>"
            for each in resources.get("User", ())
        }
        self.user_of = {
            each["externalId"]: each["user"]["value"] for each in resources.get("Employment", ())
        }
        self.teachers: dict[str, list[str]] = defaultdict(list)
        for activity in resources.get("Activity", ()):
            for group in _values(activity.get("groups")):
                self.teachers[group] += _values(activity.get("teachers"))

    def units(self) -> Iterator[str]:
        groups, staff, enrolled = self._by_unit()
        for unit in _by_name(self.resources.get("SchoolUnit", ())):
            key = unit["externalId"]
            yield f"<section><h2>{escape(unit['displayName'])}</h2>"
            yield f"<p><small>Skolenhetskod {escape(unit['schoolUnitCode'])}</small></p>"
            yield from self._groups(groups[key])
            members = {m for g in groups[key] for m in _values(g.get("studentMemberships"))}
            yield "<h3>Personer</h3>"
            yield from self._people("Elever utan klass eller grupp", set(enrolled[key]) - members)
            yield from self._people("Personal", staff[key])
            yield "</section>"

    def _by_unit(
        self,
    ) -> tuple[dict[str, list[Resource]], dict[str, list[str]], dict[str, list[str]]]:
        groups: dict[str, list[Resource]] = defaultdict(list)
        staff: dict[str, list[str]] = defaultdict(list)
        enrolled: dict[str, list[str]] = defaultdict(list)
        for group in self.resources.get("StudentGroup", ()):
            groups[group["owner"]["value"]].append(group)
        for employment in self.resources.get("Employment", ()):
            staff[employment["employedAt"]["value"]].append(employment["user"]["value"])
        for user in self.resources.get("User", ()):
            for unit in _values(user.get(SCHOOL_USER, {}).get("enrolments")):
                enrolled[unit].append(user["externalId"])
        return groups, staff, enrolled

    def _groups(self, groups: Iterable[Resource]) -> Iterator[str]:
        """Yield the groups under a heading for each type, classes first."""
        by_type: dict[str, list[Resource]] = {"Klass": []}
        for group in _by_name(groups):
            by_type.setdefault(group.get("studentGroupType", ""), []).append(group)
        for of_type, some in by_type.items():
            if some:
                yield f"<h3>{HEADINGS.get(of_type) or escape(of_type) or 'Grupper'}</h3>"
            for group in some:
                yield from self._group(group)

    def _group(self, group: Resource) -> Iterator[str]:
        pupils = _values(group.get("studentMemberships"))
        number = "1 elev" if len(pupils) == 1 else f"{len(pupils)} elever"
        yield f"<details><summary>{escape(group['displayName'])} <small>{number}</small></summary>"
        teachers = (self.user_of.get(each, each) for each in self.teachers[group["externalId"]])
        yield f"<p>Lärare: {escape(', '.join(self._names(teachers)) or 'ingen')}</p>"
        yield from self._list(pupils)
        yield "</details>"

    def _people(self, heading: str, people: Iterable[str]) -> Iterator[str]:
        known = list(people)
        if known:
            yield f"<details><summary>{heading} <small>{len(known)}</small></summary>"
            yield from self._list(known)
            yield "</details>"

    def _list(self, people: Iterable[str]) -> Iterator[str]:
        yield "<ul>"
        for name in self._names(people):
            yield f"<li>{escape(name)}</li>"
        yield "</ul>"

    def _names(self, people: Iterable[str]) -> list[str]:
        return sorted(self.names.get(each, f"okänd person {each}") for each in set(people))


def _values(references: Iterable[Resource] | None) -> list[str]:
    return [str(each["value"]) for each in references or ()]


def _by_name(resources: Iterable[Resource]) -> list[Resource]:
    return sorted(resources, key=lambda each: str(each["displayName"]).casefold())
