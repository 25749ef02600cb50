import json

import pytest
from msgspec.structs import replace

from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.resources import TYPES, content_hash
from tests.ss12000.rosters import (
    BINOGI,
    FIELDS,
    GLEERUPS,
    IDS,
    NORRA,
    SODRA,
    TENANT,
    carried,
    connection,
    group,
    outgoing,
    roster,
    said,
    student,
    teacher,
    waiting,
)

ADA = student("1080001", (NORRA.code, 7), given_name="Ada", family_name="Ek")
BO = teacher("1080002", NORRA.code, given_name="Bo", family_name="Al")
CLASS = group("7A", ADA.id, BO.id, source="orgUnit", source_id="id:03ph8a2z")
MATHS = group("7A Ma", ADA.id, kind="teaching", source_id="0279ka65")
SCHOOL = roster(ADA, BO, CLASS, MATHS)

ORGANISATION = IDS.organisation()
UNIT = IDS.school_unit(NORRA.code)
EMPLOYMENT = IDS.employment(NORRA.code, BO.id)


def of_type(resource_type: str, made=SCHOOL, to=None, **more) -> list[dict]:
    return said(outgoing(made, to=to or connection(NORRA), **more), resource_type)


def only(resource_type: str, *args, **more) -> dict:
    (resource,) = of_type(resource_type, *args, **more)
    return resource


def text(resource: dict) -> list[str]:
    """A resource's lines as a person would write them, with the keys in the order sent."""
    return json.dumps(resource, ensure_ascii=False, indent=2).splitlines()


def golden(template: str) -> list[str]:
    return template.strip().splitlines()


# What stands on the wire


def test_an_organisation():
    assert text(only("Organisation")) == golden(
        """
{
  "schemas": [
    "urn:scim:schemas:extension:sis:school:1.0:Organisation"
  ],
  "externalId": "c2c50317-db90-5a62-b624-8795bc35b001",
  "displayName": "Storköpings kommun"
}
"""
    )


def test_a_school_unit():
    assert text(only("SchoolUnit")) == golden(
        """
{
  "schemas": [
    "urn:scim:schemas:extension:sis:school:1.0:SchoolUnit"
  ],
  "externalId": "44dd1d81-265f-58c1-a734-7213674dc4d9",
  "displayName": "Norra skolan",
  "schoolUnitCode": "12345678",
  "organisation": {
    "value": "c2c50317-db90-5a62-b624-8795bc35b001",
    "$ref": "Organisations/c2c50317-db90-5a62-b624-8795bc35b001"
  },
  "schoolTypes": [
    "FKLASS",
    "GR"
  ],
  "municipalityCode": "9999"
}
"""
    )


def test_a_school_unit_without_types_and_municipality():
    bare = replace(TENANT, school_units=(replace(SODRA, school_types=()),))
    (unit,) = said(outgoing(roster(), to=connection(SODRA), tenant=bare), "SchoolUnit")
    assert list(unit) == ["schemas", "externalId", "displayName", "schoolUnitCode", "organisation"]


def test_a_student_without_optional_fields():
    assert text(of_type("User")[0]) == golden(
        """
{
  "schemas": [
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:scim:schemas:extension:sis:school:1.0:User"
  ],
  "externalId": "16e74697-3957-5fa0-8149-56d576f82729",
  "userName": "1080001@edu.storkoping.se",
  "displayName": "Ada Ek",
  "name": {
    "familyName": "Ek",
    "givenName": "Ada"
  },
  "urn:scim:schemas:extension:sis:school:1.0:User": {
    "enrolments": [
      {
        "value": "44dd1d81-265f-58c1-a734-7213674dc4d9",
        "$ref": "SchoolUnits/44dd1d81-265f-58c1-a734-7213674dc4d9"
      }
    ]
  }
}
"""
    )


def test_a_student_with_all_optional_fields():
    assert text(of_type("User", to=connection(NORRA, fields=FIELDS))[0]) == golden(
        """
{
  "schemas": [
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:scim:schemas:extension:sis:school:1.0:User",
    "urn:scim:schemas:extension:skolsynk:1.0:User"
  ],
  "externalId": "16e74697-3957-5fa0-8149-56d576f82729",
  "userName": "1080001@edu.storkoping.se",
  "displayName": "Ada Ek",
  "name": {
    "familyName": "Ek",
    "givenName": "Ada"
  },
  "emails": [
    {
      "value": "1080001@edu.storkoping.se",
      "type": "work"
    }
  ],
  "urn:scim:schemas:extension:sis:school:1.0:User": {
    "enrolments": [
      {
        "value": "44dd1d81-265f-58c1-a734-7213674dc4d9",
        "$ref": "SchoolUnits/44dd1d81-265f-58c1-a734-7213674dc4d9",
        "schoolYear": 7,
        "schoolType": "GR"
      }
    ]
  },
  "urn:scim:schemas:extension:skolsynk:1.0:User": {
    "provider": "google",
    "providerUserId": "1080001"
  }
}
"""
    )


def test_a_member_of_staff_has_no_enrolments():
    assert text(of_type("User")[1]) == golden(
        """
{
  "schemas": [
    "urn:ietf:params:scim:schemas:core:2.0:User"
  ],
  "externalId": "58a5c7a8-9563-5b27-88b6-6e30ccb19eb5",
  "userName": "1080002@edu.storkoping.se",
  "displayName": "Bo Al",
  "name": {
    "familyName": "Al",
    "givenName": "Bo"
  }
}
"""
    )


def test_an_employment():
    assert text(only("Employment")) == golden(
        """
{
  "schemas": [
    "urn:scim:schemas:extension:sis:school:1.0:Employment"
  ],
  "externalId": "9a0acaba-77fb-58d2-b878-6fd1be15ef19",
  "employedAt": {
    "value": "44dd1d81-265f-58c1-a734-7213674dc4d9",
    "$ref": "SchoolUnits/44dd1d81-265f-58c1-a734-7213674dc4d9"
  },
  "user": {
    "value": "58a5c7a8-9563-5b27-88b6-6e30ccb19eb5",
    "$ref": "Users/58a5c7a8-9563-5b27-88b6-6e30ccb19eb5"
  },
  "employmentRole": "Lärare"
}
"""
    )


def test_a_class():
    assert text(of_type("StudentGroup")[0]) == golden(
        """
{
  "schemas": [
    "urn:scim:schemas:extension:sis:school:1.0:StudentGroup"
  ],
  "externalId": "9dae86ce-9f06-5091-8014-df29fa27ce5d",
  "displayName": "7A",
  "owner": {
    "value": "44dd1d81-265f-58c1-a734-7213674dc4d9",
    "$ref": "SchoolUnits/44dd1d81-265f-58c1-a734-7213674dc4d9"
  },
  "studentGroupType": "Klass",
  "studentMemberships": [
    {
      "value": "16e74697-3957-5fa0-8149-56d576f82729",
      "$ref": "Users/16e74697-3957-5fa0-8149-56d576f82729"
    }
  ]
}
"""
    )


def test_a_teaching_group():
    resource = of_type("StudentGroup")[1]
    assert resource["externalId"] == IDS.student_group(MATHS)
    assert (resource["displayName"], resource["studentGroupType"]) == ("7A Ma", "Undervisning")


def test_an_activity():
    assert text(only("Activity")) == golden(
        """
{
  "schemas": [
    "urn:scim:schemas:extension:sis:school:1.0:Activity"
  ],
  "externalId": "c05b0976-9b04-5869-a212-fea97e55781b",
  "displayName": "7A",
  "owner": {
    "value": "44dd1d81-265f-58c1-a734-7213674dc4d9",
    "$ref": "SchoolUnits/44dd1d81-265f-58c1-a734-7213674dc4d9"
  },
  "groups": [
    {
      "value": "9dae86ce-9f06-5091-8014-df29fa27ce5d",
      "$ref": "StudentGroups/9dae86ce-9f06-5091-8014-df29fa27ce5d"
    }
  ],
  "teachers": [
    {
      "value": "9a0acaba-77fb-58d2-b878-6fd1be15ef19",
      "$ref": "Employments/9a0acaba-77fb-58d2-b878-6fd1be15ef19"
    }
  ]
}
"""
    )


def test_a_group_without_teachers_has_no_activity():
    assert of_type("Activity", roster(ADA, MATHS)) == []


def test_staff_have_an_employment_at_each_of_their_units():
    both = replace(BO, employments=(NORRA.code, SODRA.code))
    employments = of_type("Employment", roster(both), connection())
    assert [e["externalId"] for e in employments] == [
        IDS.employment(NORRA.code, BO.id),
        IDS.employment(SODRA.code, BO.id),
    ]


def test_a_student_is_enrolled_at_each_of_their_units_in_the_documents_order():
    both = student("s1", (NORRA.code, 9), (SODRA.code, 1))
    user = only("User", roster(both), connection(SODRA, NORRA, fields=("schoolYear",)))
    enrolments = user["urn:scim:schemas:extension:sis:school:1.0:User"]["enrolments"]
    assert [(e["value"], e["schoolYear"]) for e in enrolments] == [
        (IDS.school_unit(NORRA.code), 9),
        (IDS.school_unit(SODRA.code), 1),
    ]


def test_the_resources_come_in_the_order_of_creates():
    types = [r.resource_type for r in outgoing(SCHOOL)]
    assert types == sorted(types, key=TYPES.index)
    assert set(types) == set(TYPES) - {"SchoolUnitGroup"}


def test_every_external_id_is_on_the_resource_that_it_names():
    for resource in outgoing(SCHOOL):
        assert json.loads(resource.body)["externalId"] == resource.external_id


# What is chosen


def test_a_unit_that_is_not_chosen_is_not_sent_nor_anything_of_it():
    guest = teacher("t2", SODRA.code)
    made = roster(ADA, BO, CLASS, guest, group("NA24", "", guest.id, unit=SODRA.code))
    sent = "".join(r.body.decode() for r in outgoing(made, to=connection(NORRA)))
    assert IDS.school_unit(SODRA.code) not in sent
    assert IDS.user(guest.id) not in sent


def test_no_unit_chosen_sends_nothing_at_all():
    nothing = replace(connection(), school_units=())
    assert outgoing(SCHOOL, to=nothing) == []


@pytest.mark.parametrize("chosen", FIELDS)
def test_an_optional_field_is_sent_when_it_is_chosen_and_only_then(chosen):
    words = {
        "email": '"emails"',
        "schoolYear": '"schoolYear"',
        "cloudId": '"providerUserId"',
        "schoolType": '"schoolType"',
    }
    sent = b"".join(r.body for r in outgoing(SCHOOL, to=connection(NORRA, fields=(chosen,))))
    assert [name for name, word in words.items() if word in sent.decode()] == [chosen]


def test_a_field_that_the_vendor_no_longer_can_use_is_not_sent():
    """The profile may change after the document was imported."""
    sent = b"".join(
        r.body for r in outgoing(SCHOOL, BINOGI, connection(NORRA, fields=("schoolType", "email")))
    )
    assert b'"schoolType"' not in sent
    assert b'"emails"' in sent


def test_forskoleklass_is_school_year_0_and_is_sent():
    user = only("User", roster(student("s1", (NORRA.code, 0))), connection(fields=("schoolYear",)))
    (enrolment,) = user["urn:scim:schemas:extension:sis:school:1.0:User"]["enrolments"]
    assert enrolment["schoolYear"] == 0


@pytest.mark.parametrize(
    ("types", "year", "school_type", "of_group"),
    [
        ((), 7, None, None),
        (("GR",), 7, "GR", "GR"),
        (("GR",), 0, "GR", "GR"),
        (("GR",), None, "GR", "GR"),
        (("FKLASS", "GR"), 0, "FKLASS", None),
        (("FKLASS", "GR"), 1, "GR", None),
        (("FKLASS", "GR"), 9, "GR", None),
        (("FKLASS", "GR"), None, None, None),
        (("FKLASS", "FTH", "GR"), 4, "GR", None),
        (("FTH", "GR"), 0, None, None),
        (("GR", "GRAN"), 7, None, None),
        (("FKLASS", "GR", "GRAN"), 0, "FKLASS", None),
        (("GY", "VUX"), 1, None, None),
        (("VUX",), None, "VUX", "VUX"),
    ],
)
def test_the_school_type_is_sent_where_there_is_only_one_it_can_be(
    types, year, school_type, of_group
):
    tenant = replace(TENANT, school_units=(replace(NORRA, school_types=types),))
    made = roster(student("s1", (NORRA.code, year)), group("7A", "s1"))
    to = connection(NORRA, fields=("schoolType",))
    user = only("User", made, to, tenant=tenant)
    (enrolment,) = user["urn:scim:schemas:extension:sis:school:1.0:User"]["enrolments"]
    assert enrolment.get("schoolType") == school_type
    assert only("StudentGroup", made, to, tenant=tenant).get("schoolType") == of_group


# Promise 3


@pytest.mark.parametrize(
    "changed",
    [
        replace(ADA, given_name="Adam"),
        replace(ADA, family_name="Lind"),
        replace(ADA, primary_email="ada.lind@storkoping.se"),
        replace(ADA, enrolments=student("x", (NORRA.code, 8)).enrolments),
        replace(ADA, enrolments=student("x", (SODRA.code, 1)).enrolments),
    ],
)
def test_promise_3_a_person_keeps_the_id_through_changes_and_is_seen_to_have_changed(changed):
    to = connection(fields=FIELDS)
    (before,) = [r for r in outgoing(roster(ADA), to=to) if r.resource_type == "User"]
    (after,) = [r for r in outgoing(roster(changed), to=to) if r.resource_type == "User"]
    assert after.external_id == before.external_id
    assert content_hash(after.body) != content_hash(before.body)


def test_promise_3_a_person_who_changes_class_keeps_the_id_and_the_bytes():
    other = group("7B", ADA.id, source_id="id:other")
    before, after = (
        [r for r in outgoing(roster(ADA, made)) if r.resource_type == "User"]
        for made in (CLASS, other)
    )
    assert after == before


def test_promise_3_a_renamed_class_keeps_its_id_and_its_activitys():
    renamed = replace(CLASS, name="8A")
    before, after = outgoing(roster(ADA, BO, CLASS)), outgoing(roster(ADA, BO, renamed))
    assert [r.external_id for r in after] == [r.external_id for r in before]
    assert [b.resource_type for a, b in zip(before, after, strict=True) if a != b] == [
        "StudentGroup",
        "Activity",
    ]


# What the vendor does not have


def test_without_the_organisation_a_unit_does_not_refer_to_it():
    assert "organisation" not in only("SchoolUnit", absent={ORGANISATION})


def test_without_the_unit_students_have_no_enrolment_and_what_must_refer_to_it_waits():
    sent = outgoing(SCHOOL, to=connection(NORRA), absent={UNIT})
    assert waiting(sent) == ["Employment", "StudentGroup", "StudentGroup", "Activity"]
    student_user = said(sent, "User")[0]
    assert student_user["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User"]
    assert "urn:scim:schemas:extension:sis:school:1.0:User" not in student_user


def test_without_one_of_two_units_the_other_enrolment_stays():
    user = only("User", roster(student("s1", NORRA.code, SODRA.code)), connection(), absent={UNIT})
    enrolments = user["urn:scim:schemas:extension:sis:school:1.0:User"]["enrolments"]
    assert [e["value"] for e in enrolments] == [IDS.school_unit(SODRA.code)]


def test_without_a_student_the_group_goes_without_the_membership():
    both = group("7A", f"{ADA.id} s2")
    made = roster(ADA, student("s2", NORRA.code), both)
    (resource,) = of_type("StudentGroup", made, absent={IDS.user("s2")})
    assert [m["value"] for m in resource["studentMemberships"]] == [IDS.user(ADA.id)]


def test_without_any_student_the_group_goes_without_memberships():
    resource = of_type("StudentGroup", absent={IDS.user(ADA.id)})[0]
    assert "studentMemberships" not in resource


def test_without_a_teachers_account_the_employment_waits_and_so_does_the_activity():
    """The employment is not at the vendor either, so the activity must not refer to it."""
    assert waiting(outgoing(SCHOOL, absent={IDS.user(BO.id)})) == ["Employment", "Activity"]


def test_without_an_employment_the_activity_waits():
    assert waiting(outgoing(SCHOOL, absent={EMPLOYMENT})) == ["Activity"]


@pytest.mark.parametrize("lacking", [IDS.user("t2"), IDS.employment(NORRA.code, "t2")])
def test_without_one_of_two_teachers_the_activity_names_the_other(lacking):
    made = roster(ADA, BO, teacher("t2", NORRA.code), group("7A", ADA.id, f"{BO.id} t2"))
    activity = only("Activity", made, absent={lacking})
    assert [t["value"] for t in activity["teachers"]] == [EMPLOYMENT]


def test_without_a_group_its_activity_waits():
    assert waiting(outgoing(SCHOOL, absent={IDS.student_group(CLASS)})) == ["Activity"]


def test_nothing_refers_to_what_is_absent_or_waits():
    every = {r.external_id for r in outgoing(SCHOOL)}
    for absent in every:
        sent = outgoing(SCHOOL, absent={absent})
        missing = {absent} | {r.external_id for r in sent if r.body is None}
        for resource in sent:
            if resource.body is not None:
                said_of = resource.body.decode().replace(resource.external_id, "")
                assert not [i for i in missing if i in said_of]


# Whose ids are whose


def test_the_ids_of_one_person_are_the_account_and_all_possible_employments():
    to = connection(NORRA)
    mapper = ResourceMapper(carried(SCHOOL, GLEERUPS, to), TENANT, to)
    assert mapper.external_ids(BO.id) == {
        IDS.user(BO.id),
        IDS.employment(NORRA.code, BO.id),
        IDS.employment(SODRA.code, BO.id),
    }


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Norra\x00 skolan\u200b", "Norra skolan"),
        ("\u2060\x00", NORRA.code),
        ("\ufffd", NORRA.code),
    ],
)
def test_a_name_of_the_document_is_sent_without_what_nobody_can_see(name: str, sent: str):
    units = tuple(replace(u, name=name) if u.code == NORRA.code else u for u in TENANT.school_units)
    organisation = replace(TENANT.organisation, name=f"Storköping{name}")
    tenant = replace(TENANT, school_units=units, organisation=organisation)

    assert only("SchoolUnit", tenant=tenant)["displayName"] == sent
    assert only("Organisation", tenant=tenant)["displayName"].startswith("Storköping")
    assert "\x00" not in only("Organisation", tenant=tenant)["displayName"]
