"""A correct tenant document for a generated domain, as an administrator would have made it."""

from typing import Any

from addon.sandbox.domain import Domain
from addon.sandbox.school_units import Unit

JSON = dict[str, Any]


def tenant_document(domain: Domain) -> JSON:
    """Return the document (docs/tenant-document.md) for a domain made by `generate`.

    It has all school units, and sends them to Binogi (classes only) and to Gleerups.
    """
    primary = domain.customer["customerDomain"]
    codes = [unit.code for unit in domain.units]
    return {
        "customerId": domain.customer["id"],
        "primaryDomain": primary,
        "delegatedAdmin": f"skolsynk@{primary}",
        "organisation": {"name": "Storköpings kommun", "organisationNumber": "2120009999"},
        "protected": {"groups": [f"skyddade@{primary}"], "orgUnits": ["/Skyddade"]},
        "schoolUnits": [_school_unit(unit) for unit in domain.units],
        "connections": [
            _connection("binogi", codes, ["email", "schoolYear"]),
            _connection("gleerups", codes, ["email", "schoolYear", "cloudId"]),
        ],
    }


def _connection(vendor: str, units: list[str], fields: list[str]) -> JSON:
    return {
        "vendor": vendor,
        "mode": "live",
        "schoolUnits": units,
        "fields": fields,
        "limits": {"deletions": 50, "deletionsPercent": 10},
    }


def _school_unit(unit: Unit) -> JSON:
    registered = {
        "code": unit.code,
        "name": unit.name,
        "municipalityCode": unit.municipality_code,
        "schoolTypes": list(unit.school_types),
    }
    if unit.document is not None:
        return {**registered, **unit.document}
    return {
        **registered,
        "students": {
            "orgUnits": [unit.student_org_unit],
            "groups": [unit.guest_group],
            "filters": [_people_at_school()],
        },
        "staff": {"orgUnits": [unit.staff_org_unit], "groups": [unit.staff_group], "filters": []},
        **_rules(unit),
    }


def _people_at_school() -> list[JSON]:
    """Return a filter that leaves out people who have left and shared tablets."""
    return [
        {"attribute": "orgUnitPath", "operator": "notContains", "value": "/Slutat"},
        {"attribute": "primaryEmail", "operator": "notMatches", "value": r"^ipad-\d+@"},
    ]


def _rules(unit: Unit) -> JSON:
    """Return the rules that find the unit's classes, teaching groups and school years."""
    teaching = {"from": "group", "pattern": rf"^{unit.slug}-(?!klass-)(?P<name>.+)@"}
    match unit.style:
        case "classOrgUnits":
            return {
                "classes": {"from": "orgUnit", "pattern": r"^/Elever/[^/]+/(?P<name>[^/]+)$"},
                "teachingGroups": teaching,
                "schoolYear": {"from": "class", "pattern": r"^(?P<year>\d+)"},
            }
        case "yearOrgUnits":
            return {
                "classes": {"from": "orgUnit", "pattern": r"/Åk \d+/(?P<name>[^/]+)$"},
                "teachingGroups": teaching,
                "schoolYear": {"from": "orgUnit", "pattern": r"/Åk (?P<year>\d+)(/|$)"},
            }
        case "classGroups":
            return {
                "classes": {"from": "group", "pattern": rf"^{unit.slug}-klass-(?P<name>[^@]+)@"},
                "teachingGroups": teaching,
                "schoolYear": _in_attribute("customSchemas.Skola.arskurs", r"^(?P<year>\d+)$"),
            }
        case "schemaField":
            return {
                "classes": _in_attribute("customSchemas.Skola.klass", r"^(?P<name>.+)$"),
                "schoolYear": _in_attribute("customSchemas.Skola.arskurs", r"^(?P<year>\d+)$"),
            }
        case "department":
            return {"classes": _in_attribute("organizations.department", r"^(?P<name>.+)$")}
        case "startYears" | "sharedTree" | "groupsOnly":
            raise ValueError(f"{unit.name} has no document of its own")


def _in_attribute(attribute: str, pattern: str) -> JSON:
    return {"from": "attribute", "attribute": attribute, "pattern": pattern}
