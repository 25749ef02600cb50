"""Text for an entry of the change log: which setting was changed, and its old and new value.

The log stores places and values as the tenant document has them, in JSON.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from msgspec import Struct

from addon.tenants.diff import Changed
from addon.tenants.model import GroupRules, Selector, Tenant, YearRule
from addon.vendors.profiles import Vendor
from addon.web.labels import FIELDS, MODES, OPERATORS, SCHOOL_TYPES, Words, attribute_name
from addon.web.presenters.filter_words import selector_text
from addon.web.presenters.proposal_reasons import rule_source

MOST = 6
"""Values with up to this many lines are shown whole; of longer ones only the lines that differ."""
PLACES: Words = {
    "customerId": _("Kund-id i Google Workspace"),
    "primaryDomain": _("Domän"),
    "delegatedAdmin": _("Katalogen läses med kontot"),
    "organisation.name": _("Organisationens namn"),
    "organisation.organisationNumber": _("Organisationsnummer"),
    "protected.groups": _("Skyddade personuppgifter, grupper"),
    "protected.orgUnits": _("Skyddade personuppgifter, organisationsenheter"),
    "schoolUnits": _("Skolenheter"),
    "connections": _("Leverantörer"),
    "schedule.hours": _("Timmar mellan körningar"),
    "schedule.pause.from": _("Paus från och med"),
    "schedule.pause.until": _("Paus till och med"),
    "notices.email": _("Aviseringar till"),
    "notices.about": _("Aviseringar om"),
    "notices.weekly": _("Veckobrev"),
    "administrators": _("Administratörer"),
    "code": _("skolenhetskod"),
    "name": _("namn"),
    "municipalityCode": _("kommunkod"),
    "schoolTypes": _("skolformer"),
    "students": _("elever"),
    "staff": _("personal"),
    "classes": _("klasser"),
    "teachingGroups": _("undervisningsgrupper"),
    "schoolYear": _("årskurs"),
    "vendor": _("leverantör"),
    "mode": _("läge"),
    "fields": _("uppgifter som skickas"),
    "limits": _("gränser för borttagning"),
    "except": _("undantag"),
    "agreement": _("avtal"),
}
"""Names of places; those within a unit or a connection are looked up by their last part."""
UNITS_OF = _("skolenheter")
ABOUT: Words = {
    "held": _("spärrar"),
    "failed": _("misslyckade körningar"),
    "unread": _("katalogen som inte kan läsas"),
    "summary": _("en sammanfattning"),
    "vendors": _("en sammanfattning och varje leverantör för sig"),
}
PARTS: Words = {
    "orgUnits": _("Organisationsenhet"),
    "groups": _("Grupp"),
    "from": _("Hämtas från"),
    "attribute": _("Fält"),
    "pattern": _("Mönster"),
    "except": _("Undantag"),
    "deletions": _("Högst så många personer"),
    "deletionsPercent": _("Högst så många procent"),
    "changes": _("Högst så många ändringar"),
    "as": _("Texten säger"),
    "first": _("Årskurs det året"),
    "last": _("Årskurs det året"),
    "none": _("Utan årskurs"),
    "reference": _("Beteckning"),
    "date": _("Dag"),
    "notedBy": _("Antecknat av"),
}
EXCEPTED: Words = {
    "users": _("Undantaget konto"),
    "orgUnits": _("Undantagen organisationsenhet"),
    "groups": _("Undantagen grupp"),
    "classes": _("Undantagen klass"),
}
SOURCES: Words = {
    "orgUnit": _("organisationsenhet"),
    "group": _("grupp"),
    "attribute": _("fält i kontot"),
    "class": _("klassens namn"),
}
WORDS: Mapping[str, Words] = {
    "about": ABOUT,
    "weekly": ABOUT,
    "mode": MODES,
    "as": {
        "number": _("årskursen"),
        "startYear": _("året då de började"),
        "birthYear": _("födelseåret"),
        "leavingYear": _("året då de slutar"),
    },
    "fields": FIELDS,
    "schoolTypes": SCHOOL_TYPES,
}
"""Names of values, by the last part of their place."""
WITHIN = re.compile(r"(schoolUnits|connections)\[(.+)\]\.(\w+)")


def _selection(value: str) -> str:
    return selector_text(msgspec.json.decode(value, type=Selector))


def _groups(value: str) -> str:
    return rule_source(msgspec.json.decode(value, type=GroupRules))


def _years(value: str) -> str:
    return rule_source(msgspec.json.decode(value, type=YearRule))


_IN_WORDS: Mapping[str, Callable[[str], str]] = {
    "students": _selection,
    "staff": _selection,
    "classes": _groups,
    "teachingGroups": _groups,
    "schoolYear": _years,
}


class ChangeText(Struct, frozen=True):
    """A change as text: its `place`, and the lines of the old and new value (empty for no value).

    `same` is the number of lines left out because both values have them. `code` is the place in
    the document.
    """

    place: str
    code: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    same: int = 0


class AuditTexts:
    """Renders changes with the present names of the tenant's units and vendors."""

    def __init__(self, tenant: Tenant, vendors: Mapping[str, Vendor]) -> None:
        self._units = tenant.unit_names
        self._vendors = {id: vendor.name for id, vendor in vendors.items()}

    def say(self, change: Changed) -> ChangeText:
        """Return the change as text."""
        before = tuple(self._lines(change.place, change.before))
        after = tuple(self._lines(change.place, change.after))
        both = set(before) & set(after)
        if max(len(before), len(after)) <= MOST or set(before) == set(after):
            both = set()  # show everything: the values are short, or only their order differs
        return ChangeText(
            place=self._place(change.place),
            code=change.place,
            before=tuple(line for line in before if line not in both),
            after=tuple(line for line in after if line not in both),
            same=len(both),
        )

    def in_short(self, change: Changed) -> ChangeText:
        """Return the change as text, with selections and rules in words."""
        in_words = _IN_WORDS.get(change.place.rpartition(".")[2])
        if in_words is None:
            return self.say(change)
        before, after = (
            () if value is None else (in_words(value),) for value in (change.before, change.after)
        )
        return ChangeText(self._place(change.place), change.place, before, after)

    def _place(self, place: str) -> str:
        within = WITHIN.fullmatch(place)
        if within is None:
            return str(PLACES.get(place, place))
        kind, key, name = within.groups()
        whose = (self._units if kind == "schoolUnits" else self._vendors).get(key, key)
        what = UNITS_OF if name == "schoolUnits" else PLACES.get(name, name)
        return f"{whose}: {what}"

    def _lines(self, place: str, value: str | None) -> Iterator[str]:
        """Yield the lines of a JSON value, one for each thing that it contains."""
        told: Any = None if value is None else msgspec.json.decode(value)
        name = place.rpartition(".")[2]
        if told is None:
            return
        if isinstance(told, dict) and name == "except":
            yield from self._part(name, told)
        elif isinstance(told, dict):
            for key, part in told.items():
                yield from self._part(key, part)
        elif isinstance(told, list) and all(isinstance(each, dict) for each in told):
            for n, rule in enumerate(told, 1):  # rules that are tried in order
                for key, part in rule.items():
                    yield from (f"{n}. {line}" for line in self._part(key, part))
        elif isinstance(told, list):
            yield from (self._word(name, each) for each in told)
        else:
            yield self._word(name, told)

    def _part(self, key: str, value: Any) -> Iterator[str]:
        """Yield the lines of one key of a selection, a rule or limits."""
        if key == "filters":
            yield from (gettext("Filter: %(said)s", said=_filter(each)) for each in value)
        elif isinstance(value, dict) and key == "except":
            for part, values in value.items():
                yield from (f"{EXCEPTED[part]}: {each}" for each in values)
        elif key == "changes":
            yield f"{PARTS[key]}: {msgspec.json.encode(value).decode()}"
        else:
            for each in value if isinstance(value, list) else [value]:
                said = SOURCES.get(each, each) if key == "from" else self._word(key, each)
                yield f"{PARTS.get(key, key)}: {said}"

    def _word(self, name: str, value: Any) -> str:
        """Return the text of a single value; codes of units and vendors become names."""
        text = f"{value:g}" if isinstance(value, float) else str(value)
        if name in WORDS:
            return str(WORDS[name].get(text, text))
        if name == "attribute":
            return attribute_name(text)
        if name in ("connections", "vendor"):
            return self._vendors.get(text, text)
        if name == "schoolUnits" and text in self._units:
            return f"{self._units[text]} ({text})"
        return text


def _filter(clauses: list[dict[str, Any]]) -> str:
    return str(gettext(" och ")).join(map(_clause, clauses))


def _clause(clause: dict[str, Any]) -> str:
    value = clause.get("value", "")
    text = ", ".join(value) if isinstance(value, list) else value
    operator = OPERATORS.get(clause["operator"], clause["operator"])
    said = f"{attribute_name(clause['attribute'])} {operator}"
    return f"{said} ”{text}”" if text else said
