"""What of a proposal an administrator's own choice declines, and what then is not proposed."""

import pytest

from addon.proposals.declined import DeclinedPlace, DeclinedPlaces, declined_part
from addon.proposals.places import Place
from addon.tenants.model import Clause, Selector

HERE = Clause(attribute="organizations.department", operator="equals", value="Norra skolan")
DEVICES = Clause(attribute="primaryEmail", operator="notMatches", value=r"^ipad\d+@")


def at(*org_units, groups=(), clauses=()):
    filters = (tuple(clauses),) if clauses else ()
    return Selector(org_units=org_units, groups=groups, filters=filters)


@pytest.mark.parametrize(
    ("proposed", "chosen", "declined"),
    [
        (at("/Norra"), at("/Norra"), None),
        (at("/Norra"), at("/NORRA", "/Annex"), None),
        (at("/Norra"), at("/Annex"), at("/Norra")),
        (at("/Norra", "/Annex"), at("/Norra"), at("/Annex")),
        (at("/Norra", groups=("n@x.se",)), at("/Norra"), at(groups=("n@x.se",))),
        (at("/Norra", clauses=[DEVICES]), at("/Norra"), None),
        (at("/", clauses=[HERE, DEVICES]), at("/", clauses=[HERE]), None),
        (at("/", clauses=[HERE]), at("/"), at("/", clauses=[HERE])),
        (at(), at("/Norra"), None),
    ],
)
def test_what_is_not_chosen_is_declined(proposed, chosen, declined):
    assert declined_part(proposed, chosen) == declined


def test_each_place_of_a_declined_selector_is_declined_and_no_other():
    declined = DeclinedPlaces([DeclinedPlace("1", "students", at("/F-6", "/7-9"))])
    assert declined.has("1", Place("students", (), ("/F-6",)))
    assert declined.has("1", Place("students", (), ("/7-9", "/F-6")))
    assert not declined.has("1", Place("students", (), ("/F-6", "/Annex")))
    assert not declined.has("1", Place("staff", (), ("/F-6",)))
    assert not declined.has("2", Place("students", (), ("/F-6",)))
    assert not declined.has("1", Place("students", (), groups=("n@x.se",)))
