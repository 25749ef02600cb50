"""The findings that the selection can make about the data, with their messages in English.

A message names no person: the subject of a finding about a person is the user's id. A message
is a template filled with the finding's `subject` and `values`, so that another language only
needs another table.
"""

from collections.abc import Iterable, Mapping

from addon.roster.model import Finding, Severity

MESSAGES: Mapping[str, tuple[Severity, str]] = {
    "missing-family-name": (
        "error",
        "The account has no family name, so the person is sent to no vendor."
        " Fill in the family name in the Google Admin console.",
    ),
    "protection-ended": (
        "warning",
        "The person was protected, and nothing in the directory says so any more. Nothing is sent"
        " about the person until somebody releases them: `release`, or the page Skyddade.",
    ),
    "missing-given-name": (
        "error",
        "The account has no given name, so the person is sent to no vendor."
        " Fill in the given name in the Google Admin console.",
    ),
    "name-unusable": (
        "error",
        "The given name or the family name of the account has nothing to see, only characters"
        " that are invisible or cannot be read, so the person is sent to no vendor. Write the"
        " name again in the Google Admin console.",
    ),
    "address-invalid": (
        "error",
        "The account's primary e-mail address is not a complete address, so the person is"
        " sent to no vendor. Correct the address in the Google Admin console.",
    ),
    "address-outside-domains": (
        "warning",
        "The account's primary e-mail address is in none of the organisation's verified"
        " domains. Check that the account belongs to the organisation, or verify the domain"
        " in the Google Admin console.",
    ),
    "org-unit-missing": (
        "error",
        "A selection names the organisational unit {subject}, which the directory does not"
        " have. It may have been renamed, moved or removed: choose it again in the settings.",
    ),
    "org-unit-renamed": (
        "warning",
        "The organisational unit {subject} that a selection names is now {path}. The selection"
        " follows it, and nobody is removed for it: choose {path} in the settings.",
    ),
    "unit-elsewhere": (
        "error",
        "The school unit {subject} is in another organiser's settings, which had it first, so"
        " nobody is sent from it here. Correct the code of the school unit, or ask the operator"
        " of Skolsynk if the unit is yours.",
    ),
    "not-compared": (
        "warning",
        "There is no earlier reading of the directory to compare with, though vendors have what"
        " was sent before. Until a second reading ten minutes later, or more if the lists are"
        " short, what is new is sent, but nothing is removed or changed.",
    ),
    "removal-unconfirmed": (
        "warning",
        "{count} people, groups or memberships at {unitName} ({unit}) are missing from the"
        " directory without"
        " evidence that they are gone, so nothing is removed for them yet. A later reading, or"
        " an answer about each of them, decides; check the unit's organisational units and"
        " groups if it stays so.",
    ),
    "group-missing": (
        "error",
        "The settings name the group {subject}, which the directory does not have. It may"
        " have been renamed or removed: choose it again in the settings.",
    ),
    "exception-unknown": (
        "error",
        "The selection of {role} at {unitName} ({unit}) leaves out {subject}, which the directory"
        " does not have or has not given in full, so nobody new is sent from that selection:"
        " {count} people wait. Choose the exception again in the settings, or take it away.",
    ),
    "protected-org-unit-missing": (
        "error",
        "People with protected identity are said to be in the organisational unit {subject},"
        " which the directory does not have, so it protects nobody. Choose it again in the"
        " settings before anything is sent.",
    ),
    "protected-group-missing": (
        "error",
        "People with protected identity are said to be in the group {subject}, which the"
        " directory does not have, so it protects nobody. Choose it again in the settings"
        " before anything is sent.",
    ),
    "protected-member-unknown": (
        "error",
        "Members of {subject}, where the people with protected identity are, who cannot be"
        " identified: {count}. Whoever they are is not protected. Remove the addresses that"
        " belong to no account, and add the accounts again by their primary addresses.",
    ),
    "staff-in-student-selector": (
        "warning",
        "The person is selected both as staff and as a student, and is sent as staff."
        " Correct the selection, or move the account to the right organisational unit.",
    ),
    "student-in-several-units": (
        "warning",
        "The student is selected for several school units ({units}). If that is not meant,"
        " correct the selections so that only one of them reaches the student.",
    ),
    "student-without-class": (
        "warning",
        "The student is in no class at {unitName} ({unit}). Put the student in the right"
        " class, or correct the rule that says where the unit's classes are.",
    ),
    "student-class-excepted": (
        "info",
        "The student's class at {unitName} ({unit}) is left out by the rule for classes ({names}),"
        " so the student is sent without a class. If that is not meant, take the name out of the"
        " rule's exceptions.",
    ),
    "student-in-several-classes": (
        "warning",
        "The student is in {count} classes at {unitName} ({unit}). If that is not meant,"
        " remove the student from all but one.",
    ),
    "student-without-school-year": (
        "warning",
        "No school year was found for the student at {unitName} ({unit}), so none is sent."
        " Correct the data, or the rule that says where the school year is; classes that have"
        " no school year are named in the rule.",
    ),
    "school-year-out-of-range": (
        "warning",
        "The school year found for the student at {unitName} ({unit}) is not a whole number"
        " from 0 to 13, so none is sent. Correct the data, or the rule that says where the"
        " school year is.",
    ),
    "selector-without-match": (
        "warning",
        "The selection of {role} at {unitName} ({unit}) reaches nobody. Check its"
        " organisational units, groups and filters.",
    ),
    "class-pattern-without-match": (
        "warning",
        "The rule for classes at {unitName} ({unit}) finds none. Correct its pattern, or"
        " choose another place to look for the classes.",
    ),
    "teaching-group-pattern-without-match": (
        "warning",
        "The rule for teaching groups at {unitName} ({unit}) finds none. Correct its pattern,"
        " or choose another place to look for the groups.",
    ),
    "placement-reduced": (
        "info",
        "{vendor} takes one school unit and one class for each person, and this person has"
        " several. The first unit in the document and there the first class by name is sent."
        " Order the units of the document so that the right one comes first.",
    ),
    "duplicate-class-name": (
        "warning",
        "{count} classes at {unitName} ({unit}) have the name {name} and cannot be told apart"
        " at the vendor. Give them different names, or remove those that are not used.",
    ),
    "teaching-group-named-as-class": (
        "warning",
        "At {unitName} ({unit}) a teaching group has the same name as the class {name}, so"
        " only the class is sent. Give the teaching group another name.",
    ),
    "group-without-students": (
        "warning",
        "The group {subject} is found by a rule for classes or teaching groups, but has no"
        " selected student and is sent to no vendor. Add its students to the group or to a"
        " selection, or correct the rule.",
    ),
    "member-not-selected": (
        "info",
        "{count} of the members of the group {subject} are selected for no school unit and"
        " are not sent. If they should be, add them to a selection.",
    ),
}

OF_ONE: Mapping[str, str] = {
    "removal-unconfirmed": (
        "A person, a group or a membership at {unitName} ({unit}) is missing from the directory"
        " without evidence that it is gone, so nothing is removed for it yet. A later reading, or"
        " an answer about it, decides; check the unit's organisational units and groups if it"
        " stays so."
    ),
    "protected-member-unknown": (
        "A member of {subject}, where the people with protected identity are, cannot be"
        " identified, and is not protected, whoever it is. If the address belongs to no account,"
        " remove it; otherwise add the account again by its primary address."
    ),
    "member-not-selected": (
        "One of the members of the group {subject} is selected for no school unit and is not"
        " sent. If this member should be, add them to a selection."
    ),
}
"""Messages where `count` is 1."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


def finding(code: str, subject: str, **values: str) -> Finding:
    """The finding `code` about `subject`; `values` fill its template."""
    severity, template = MESSAGES[code]
    if values.get("count") == "1":
        template = OF_ONE.get(code, template)
    message = template.format_map({**values, "subject": subject})
    return Finding(code, severity, subject, message, tuple(values.items()))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, errors first, then by code and subject."""
    return tuple(sorted(set(findings), key=lambda f: (SEVERITIES.index(f.severity), f)))
