"""The reasons for proposals, as sentences."""

from collections.abc import Callable, Mapping

from flask_babel import gettext, ngettext

from addon.proposals.reasons import Reason
from addon.proposals.shape import CLASS, SCHOOL, YEAR
from addon.tenants.model import GroupRules, YearRule
from addon.web.formats import number
from addon.web.labels import REGISTER_STATUSES, attribute_name

Names = Mapping[str, str]
"""The names of the units, by code."""


def _(text: str, **values: object) -> str:
    return str(gettext(text, **values))


def reason_text(reason: Reason, names: Names) -> str:
    """Return a reason as a sentence."""
    say = SENTENCES.get(reason.code)
    return reason.code if say is None else say(reason, names)


def rule_source(rule: GroupRules | YearRule) -> str:
    """Return where a rule reads classes, groups or years, as text to follow their number."""
    if isinstance(rule, tuple):
        return _(" och annars ").join(dict.fromkeys(map(rule_source, rule)))
    if isinstance(rule, YearRule) and rule.form != "number":
        return _YEAR_FORMS[rule.form](_year_place(rule))
    if rule.source == "attribute":
        return _("från %(field)s", field=_field(rule.attribute or ""))
    if rule.source == "orgUnit":
        return _("från organisationsenheterna")
    if rule.source == "class":
        return _("från klassens namn")
    named = "(?P<name>" in rule.pattern or "(?P<NAME>" in rule.pattern
    return _("från gruppernas adresser") if named else _("från gruppernas namn")


def _year_place(rule: YearRule) -> str:
    if rule.source == "attribute":
        return _field(rule.attribute or "")
    return _("klassens namn") if rule.source == "class" else _("organisationsenhetens namn")


_YEAR_FORMS: Mapping[str, Callable[[str], str]] = {
    "startYear": lambda place: _("efter startåret i %(place)s", place=place),
    "birthYear": lambda place: _("efter födelseåret i %(place)s", place=place),
    "leavingYear": lambda place: _("efter avgångsåret i %(place)s", place=place),
}


def years_said(years: str) -> str:
    """Return school years such as `0, 1, 2` as `F–2`; years with gaps stay a list."""
    found = [int(year) for year in years.split(",") if year.strip().isdecimal()]
    said = ["F" if year == 0 else str(year) for year in found]
    if len(found) > 2 and found == list(range(found[0], found[-1] + 1)):
        return f"{said[0]}–{said[-1]}"
    return ", ".join(said)


def shape_said(shape: str) -> str:
    """Return the shape of the tree, with the names of its parts in the language of the page."""
    words = {SCHOOL: _("skola"), CLASS: _("klass"), YEAR: _("årskurs")}
    return "/".join(words.get(part, part) for part in shape.split("/"))


def _field(attribute: str) -> str:
    """Return the name of an attribute, to use within a sentence."""
    schema, found, field = attribute.removeprefix("customSchemas.").partition(".")
    if found and attribute.startswith("customSchemas."):
        return _("det egna fältet ”%(field)s”", field=f"{schema}, {field}")
    return _("fältet ”%(field)s”", field=attribute_name(attribute))


def _people(reason: Reason) -> str:
    count = int(reason["count"])
    if not count:
        return _("inga personer")
    return str(ngettext("%(n)s person", "%(n)s personer", count, n=number(count)))


def _org_unit(reason: Reason, names: Names) -> str:
    path, people = reason["path"], _people(reason)
    if ", /" in path and reason["similarity"] == "100%":
        return _(
            "Organisationsenheterna %(path)s heter som skolenheten (%(people)s).",
            path=path,
            people=people,
        )
    if ", /" in path:
        return _(
            "Organisationsenheterna %(path)s heter nästan som skolenheten (%(people)s).",
            path=path,
            people=people,
        )
    if reason["similarity"] == "100%":
        return _(
            "Organisationsenheten %(path)s heter som skolenheten (%(people)s).",
            path=path,
            people=people,
        )
    return _(
        "Organisationsenheten %(path)s heter nästan som skolenheten (%(people)s).",
        path=path,
        people=people,
    )


def _group(reason: Reason, names: Names) -> str:
    group, people = reason["group"], _people(reason)
    if reason["similarity"] == "100%":
        return _(
            "Gruppen %(group)s heter som skolenheten (%(people)s).", group=group, people=people
        )
    return _(
        "Gruppen %(group)s heter nästan som skolenheten (%(people)s).", group=group, people=people
    )


def _attribute(reason: Reason, names: Names) -> str:
    return _(
        "I %(path)s har %(people)s värdet ”%(value)s” i %(field)s.",
        path=reason["path"],
        people=_people(reason),
        value=reason["value"],
        field=_field(reason["attribute"]),
    )


def _contested(reason: Reason, names: Names) -> str:
    return _(
        "%(path)s kan lika gärna höra till %(units)s.",
        path=reason["path"],
        units=_others(reason, names),
    )


def _others(reason: Reason, names: Names) -> str:
    return ", ".join(names.get(code.strip(), code.strip()) for code in reason["units"].split(","))


def _shared_tree(reason: Reason, names: Names) -> str:
    return _(
        "%(path)s delas av flera skolenheter (%(units)s). Hur den delas framgår inte.",
        path=reason["path"],
        units=_others(reason, names),
    )


def _split_by_years(reason: Reason, names: Names) -> str:
    return _(
        "%(path)s delas efter årskurs mellan %(units)s.",
        path=reason["path"],
        units=_others(reason, names),
    )


def _split_by_programme(reason: Reason, names: Names) -> str:
    return _(
        "%(path)s delas efter program mellan %(units)s.",
        path=reason["path"],
        units=_others(reason, names),
    )


def _ceased(reason: Reason, names: Names) -> str:
    status = str(REGISTER_STATUSES.get(reason["status"], reason["status"])).lower()
    return _("Skolenheten är %(status)s enligt Skolverkets register.", status=status)


SENTENCES: Mapping[str, Callable[[Reason, Names], str]] = {
    "student-ou": _org_unit,
    "staff-ou": _org_unit,
    "student-group": _group,
    "staff-group": _group,
    "student-attribute": _attribute,
    "staff-attribute": _attribute,
    "parts-of-ou": lambda r, _n: _(
        "%(path)s ligger under %(above)s, som är skolans organisationsenhet (%(people)s).",
        path=r["path"],
        above=r["above"],
        people=_people(r),
    ),
    "only-unit": lambda r, _n: _(
        "Skolenheten är er enda, så alla i %(path)s hör hit (%(people)s).",
        path=r["path"],
        people=_people(r),
    ),
    "only-of-kind": lambda r, _n: _(
        "%(path)s heter som skolformen, och skolenheten är den enda av det slaget (%(people)s).",
        path=r["path"],
        people=_people(r),
    ),
    "unit-code": lambda r, _n: _(
        "Skolenhetskoden står i %(path)s (%(people)s).", path=r["path"], people=_people(r)
    ),
    "class-groups": lambda r, _n: _(
        "Klassgruppernas adresser nämner skolenheten: %(groups)s med flera (%(people)s).",
        groups=r["groups"],
        people=_people(r),
    ),
    "same-people": lambda r, names: ngettext(
        "%(num)s elev väljs också av %(units)s.",
        "%(num)s elever väljs också av %(units)s.",
        int(r["count"]),
        units=_others(r, names),
    ),
    "more-staff-group": lambda r, _n: (
        _(
            "Gruppen %(group)s har personal som också hör hit (%(people)s).",
            group=r["group"],
            people=_people(r),
        )
        if int(r["count"])
        else _("Gruppen %(group)s är för personal som också hör hit. Den är tom.", group=r["group"])
    ),
    "guest-group": lambda r, _n: (
        _(
            "Gruppen %(group)s har elever som också läser här (%(people)s).",
            group=r["group"],
            people=_people(r),
        )
        if int(r["count"])
        else _("Gruppen %(group)s är för elever som också läser här. Den är tom.", group=r["group"])
    ),
    "more-ou": lambda r, _n: _(
        "%(path)s verkar vara ett annat stadium i samma skola (%(people)s).",
        path=r["path"],
        people=_people(r),
    ),
    "mixed-ou": lambda r, _n: _(
        "Elever och personal verkar ligga tillsammans i %(path)s, och inget skiljer dem åt.",
        path=r["path"],
    ),
    "contested": _contested,
    "several-places": lambda r, _n: _(
        "Både %(path)s och %(other)s kan vara rätt plats.", path=r["path"], other=r["other"]
    ),
    "no-students": lambda r, _n: _("Vi hittar inte var skolenhetens elever ligger."),
    "no-staff": lambda r, _n: _("Vi hittar inte var skolenhetens personal ligger."),
    "empty": lambda r, _n: _("Det finns inga aktiva elever i %(path)s.", path=r["path"]),
    "ceased": _ceased,
    "left-ou": lambda r, _n: _(
        "De som ligger i %(path)s verkar ha slutat och tas inte med (%(people)s).",
        path=r["path"],
        people=_people(r),
    ),
    "devices": lambda r, _n: ngettext(
        "Ett konto som börjar på ”%(stem)s” verkar vara en delad enhet och tas inte med.",
        "%(num)s konton som börjar på ”%(stem)s” verkar vara delade enheter och tas inte med.",
        int(r["count"]),
        stem=r["stem"],
    ),
    "other-below": lambda r, _n: _(
        "%(path)s hör till någon annan och tas inte med.", path=r["path"]
    ),
    "protected-ou": lambda r, _n: _("organisationsenheten %(path)s", path=r["path"]),
    "protected-group": lambda r, _n: _("gruppen %(group)s", group=r["group"]),
    "titles-not-understood": lambda r, _n: ngettext(
        "%(num)s person tas inte med, för vi förstår inte om ”%(names)s” är elev eller personal.",
        "%(num)s personer tas inte med, för vi förstår inte om de är elever eller personal:"
        " %(names)s.",
        int(r["count"]),
        names=r["names"],
    ),
    "no-classes": lambda r, _n: _("Vi hittar inga klasser."),
    "shared-tree": _shared_tree,
    "split-by-years": _split_by_years,
    "split-by-programme": _split_by_programme,
    "function-accounts": lambda r, _n: ngettext(
        "Kontot %(addresses)s verkar inte vara en person och tas inte med.",
        "%(num)s konton verkar inte vara personer och tas inte med: %(addresses)s.",
        int(r["count"]),
        addresses=r["addresses"],
    ),
    "classes-left-out": lambda r, _n: ngettext(
        "Gruppen %(names)s verkar inte vara en klass och är undantagen.",
        "%(num)s grupper verkar inte vara klasser och är undantagna: %(names)s.",
        int(r["count"]),
        names=r["names"],
    ),
    "classes-are-years": lambda r, _n: _(
        "Klasserna heter som årskurser: %(names)s.", names=r["names"]
    ),
    "classes-not-understood": lambda r, _n: _(
        "Eleverna är indelade, men vi förstår inte vilka grupper eller enheter som är klasser."
    ),
    "odd-classes": lambda r, _n: ngettext(
        "Klassen %(names)s heter inte som klasser brukar.",
        "%(num)s klasser heter inte som klasser brukar: %(names)s.",
        int(r["count"]),
        names=r["names"],
    ),
    "several-classes": lambda r, _n: ngettext(
        "%(num)s elev hamnar i flera klasser.",
        "%(num)s elever hamnar i flera klasser.",
        int(r["count"]),
    ),
    "many-without-class": lambda r, _n: ngettext(
        "%(num)s elev får ingen klass.", "%(num)s elever får ingen klass.", int(r["count"])
    ),
    "large-class": lambda r, _n: _("Den största klassen har %(count)s elever.", count=r["count"]),
    "no-school-years": lambda r, _n: _("Vi hittar inte elevernas årskurser."),
    "years-contradict": lambda r, _n: _(
        "Årskurserna kan också läsas på ett annat sätt: %(other)s i stället för %(years)s.",
        other=years_said(r["other"]),
        years=years_said(r["years"]),
    ),
}
