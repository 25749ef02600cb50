from uuid import UUID

import pytest
from msgspec.structs import replace

from addon.ss12000.ids import Ids
from tests.ss12000.rosters import IDS, NORRA, SODRA, group

CLASS = group("7A", "s1")


def test_promise_3_identities_are_the_same_in_every_version():
    """Who changes one of these gives everyone at every vendor a new identity."""
    assert IDS.organisation() == "c2c50317-db90-5a62-b624-8795bc35b001"
    assert IDS.school_unit("12345678") == "44dd1d81-265f-58c1-a734-7213674dc4d9"
    assert IDS.user("108000000000000000001") == "32bc0256-1c97-52a9-afaf-fdb7fa0aa86f"
    assert (
        IDS.employment("12345678", "108000000000000000001")
        == "608e3abd-175a-5aa3-bced-c566fd8f005f"
    )
    assert IDS.student_group(CLASS) == "df353998-8ee8-5c33-a347-78778f9ff559"
    assert IDS.activity(CLASS) == "736bceeb-04c6-5f27-8841-6c3e89820d93"


def test_an_identity_is_a_version_5_uuid_in_lower_case():
    for external_id in (IDS.organisation(), IDS.user("A"), IDS.student_group(CLASS)):
        assert str(UUID(external_id)) == external_id
        assert UUID(external_id).version == 5


def test_promise_3_a_renamed_class_keeps_its_id():
    renamed = replace(CLASS, name="8A")
    assert IDS.student_group(renamed) == IDS.student_group(CLASS)
    assert IDS.activity(renamed) == IDS.activity(CLASS)


def test_promise_3_a_class_keeps_its_id_when_its_people_change():
    changed = replace(CLASS, students=("s2",), teachers=("t1",))
    assert IDS.student_group(changed) == IDS.student_group(CLASS)


@pytest.mark.parametrize(
    "other",
    [
        replace(CLASS, unit=SODRA.code),
        replace(CLASS, source_id="id-7B"),
        replace(CLASS, source="orgUnit"),
        replace(CLASS, source="attribute"),
    ],
)
def test_another_unit_or_source_is_another_group(other):
    assert IDS.student_group(other) != IDS.student_group(CLASS)
    assert IDS.activity(other) != IDS.activity(CLASS)


def test_promise_6_two_tenants_never_mean_the_same_object():
    other = Ids("C0annankommun")
    assert other.organisation() != IDS.organisation()
    assert other.school_unit(NORRA.code) != IDS.school_unit(NORRA.code)
    assert other.user("s1") != IDS.user("s1")
    assert other.employment(NORRA.code, "s1") != IDS.employment(NORRA.code, "s1")
    assert other.student_group(CLASS) != IDS.student_group(CLASS)


def test_what_has_the_same_id_but_is_of_another_kind_is_another_object():
    same = replace(CLASS, unit="1", source_id="1")
    ids = {
        IDS.organisation(),
        IDS.school_unit("1"),
        IDS.user("1"),
        IDS.employment("1", "1"),
        IDS.student_group(same),
        IDS.activity(same),
    }
    assert len(ids) == 6
