"""What pages find in the register, with and without access to it."""

from time import thread_time

import pytest

from addon.sandbox.register_server import STORKOPING
from addon.school_register.cache import DAY, SHARED, SHARED_LOOKS, UPLOAD_LOOKS
from addon.school_register.csv_import import SpreadsheetError
from addon.school_register.model import Organiser, RegisterError, RegisterUnit
from addon.school_register.register import AWAY, Register

A, B = "C0storkoping", "C0annanstad"
FILE = (
    "Skolenhetskod;Skolenhetsnamn;Status;Kommunkod;Organisationsnummer\n"
    "12345678;Norra skolan i vår fil;Vilande;9999;212000-9999\n"
    "55550001;Nya skolan;Aktiv;9999;212000-9999\n"
).encode()


def names(units):
    return [unit.name for unit in units]


# The copy


def test_a_refresh_says_how_many_units_there_are(store, client, clock, server):
    register = Register(store, client, clock)
    assert register.state(A).units == 0
    assert register.refresh() == len(server.units)
    state = register.state(A)
    assert (state.access, state.units, state.fetched, state.uploaded) == (
        True,
        len(server.units),
        clock.now,
        0,
    )


@pytest.mark.parametrize("failure", [{"status": 503}, {"kind": "notJson"}])
def test_a_refresh_that_fails_leaves_the_earlier_copy(register, server, clock, failure):
    earlier = register.state(A)
    clock.now += DAY
    server.fail(times=None, **failure)
    with pytest.raises(RegisterError):
        register.refresh()
    assert register.state(A) == earlier


def test_an_empty_register_leaves_the_earlier_copy(register, server):
    server.units = []
    with pytest.raises(RegisterError, match="no units"):
        register.refresh()
    assert names(register.search(A, "norra")) == ["Norra skolan"]


def test_units_are_renewed_though_the_organisers_cannot_be_had(register, server):
    server.units.append(RegisterUnit("77777777", "Västra skolan"))
    server.fail("organizers", kind="notJson", times=None)
    register.refresh()
    assert names(register.search(A, "västra")) == ["Västra skolan"]
    assert register.organiser_for("storkoping.se", "") == STORKOPING


def test_an_old_copy_is_refreshed_and_a_new_one_is_left(register, server, clock):
    server.forget_requests()
    assert register.refresh_if_old() is None
    assert server.requests == []
    clock.now += 8 * DAY
    assert register.refresh_if_old() == len(server.units)


def test_another_process_has_the_copy_within_a_minute(register, store, clock, server):
    other = Register(store, None, clock)
    assert names(other.search(A, "norra")) == ["Norra skolan"]
    server.units = [RegisterUnit("77777777", "Norra porten")]
    clock.now += 1
    register.refresh()
    clock.now += SHARED_LOOKS
    assert names(other.search(A, "norra")) == ["Norra porten"]


def test_a_copy_that_another_version_packed_is_as_none(store, client, clock):
    store.put(SHARED, "all", b"something else", clock.now)
    register = Register(store, client, clock)
    assert register.state(A).units == 0
    register.refresh()
    assert register.state(A).units


# Searching


@pytest.mark.parametrize("text", ["norra", "NORRA skolan", "skolan  norra", "orra"])
def test_a_unit_is_found_when_all_words_are_in_its_name(register, text):
    assert names(register.search(A, text)) == ["Norra skolan"]


def test_every_word_must_fit(register):
    assert register.search(A, "norra gymnasiet") == []


@pytest.mark.parametrize("text", ["Östra", "östra", "O\u0308stra"])
def test_letters_with_dots_are_found_however_they_are_written(register, text):
    assert names(register.search(A, text)) == ["Östra skolan"]


def test_a_keyboard_without_dots_finds_too(register):
    assert names(register.search(A, "ostra")) == ["Östra skolan"]


def test_active_units_come_first_and_ceased_ones_last(register):
    found = register.search(A, "skolan")
    assert names(found) == [
        "Fria skolan i Storköping",
        "Lillköpingsskolan",
        "Norra skolan",
        "Tunaskolan",
        "Östra skolan",
        "Sommarskolan",
        "Gamla skolan",
    ]
    assert [unit.status for unit in found[-2:]] == ["VILANDE", "UPPHORT"]


def test_no_more_than_the_limit_are_given(register):
    assert len(register.search(A, "skolan", limit=2)) == 2


def test_nothing_is_found_by_nothing(register):
    assert register.search(A, "  ") == []


def test_a_code_finds_its_unit_with_details(register):
    assert register.search(A, "99995001") == [
        RegisterUnit("99995001", "Gamla skolan", "UPPHORT", "9999", ("GR",), STORKOPING.number)
    ]


def test_a_code_that_nobody_has_finds_nothing(register):
    assert register.search(A, "11111111") == []


def test_a_unit_that_is_newer_than_the_copy_is_found_by_its_code(register, server):
    server.units.append(RegisterUnit("77777777", "Västra skolan"))
    assert names(register.search(A, "77777777")) == ["Västra skolan"]


@pytest.mark.parametrize("text", ["5569998877", "556999-8877", " 165569998877 "])
def test_an_organisation_number_finds_the_organisers_units(register, text):
    assert names(register.search(A, text)) == ["Fria skolan i Storköping"]


def test_a_municipality_code_finds_the_units_there(register):
    assert "Fria skolan i Storköping" in names(register.search(A, "9999"))


@pytest.mark.parametrize("text", ["Lund", "lunds kommun", "tunaskolan lund", "Lund Tuna"])
def test_a_municipality_is_known_by_its_name(register, text):
    assert names(register.search(A, text)) == ["Tunaskolan"]


def test_an_organiser_goes_before_its_municipality_when_it_is_named_as_one(register, server):
    server.organisers.append(Organiser("2120001132", "LUNDS KOMMUN", "KOMMUN"))
    server.units.append(RegisterUnit("77777777", "Friskolan", "AKTIV", "1281", ()))
    register.refresh()
    assert names(register.search(A, "Lunds kommun")) == ["Tunaskolan"]
    assert names(register.search(A, "Lund")) == ["Friskolan", "Tunaskolan"]


@pytest.mark.parametrize("text", ["Storköpings kommun", "storköping"])
def test_an_organiser_is_known_by_its_name(register, text):
    assert {"Norra skolan", "Östra skolan", "Gamla skolan"} <= set(names(register.search(A, text)))


def test_part_of_an_organisers_name_finds_its_units(register):
    assert names(register.search(A, "storbygden region")) == ["Storbygdens naturbruksgymnasium"]


def test_what_is_known_by_name_is_found_though_the_register_is_away(register, server):
    server.fail(times=None)
    assert names(register.search(A, "storköping")) == ["Fria skolan i Storköping"]


def test_a_search_among_all_of_swedens_units_is_quick(store, clock):
    class Sweden:
        def units(self, **filters):
            return [
                RegisterUnit(f"{10000000 + n}", f"Skolan {n} i Östra Göinge {n % 290}")
                for n in range(12_000)
            ]

        def unit(self, code):
            return None

        def organisers(self):
            return [Organiser(f"{2120000000 + n}", f"Kommun {n} AB") for n in range(1500)]

    register = Register(store, Sweden(), clock)
    register.refresh()
    register.search(A, "värm upp")
    for text in ("skolan 11999", "göinge", "finns inte alls här eller", "ostra goinge 17"):
        before = thread_time()  # the thread's own processor time, whatever else the machine does
        register.search(A, text)
        assert thread_time() - before < 0.05


# Lists and details


def test_an_organisers_units_are_asked_for_once_a_week(register, server, clock):
    assert len(register.units_of(A, "212000-9999")) == 4
    server.forget_requests()
    register.units_of(B, STORKOPING.number)
    clock.now += 6 * DAY
    register.units_of(A, STORKOPING.number)
    assert server.requests == []
    clock.now += 2 * DAY
    register.units_of(A, STORKOPING.number)
    assert len(server.requests) == 1


def test_an_old_list_is_better_than_none(register, server, clock):
    before = register.units_of(A, STORKOPING.number)
    clock.now += 30 * DAY
    server.fail(times=None)
    assert register.units_of(A, STORKOPING.number) == before


def test_a_list_that_cannot_be_had_is_reported(register, server):
    server.fail(times=None)
    with pytest.raises(RegisterError, match="upload the register as a CSV file"):
        register.units_of(A, STORKOPING.number)


def test_what_is_no_organisation_number_has_no_units(register, server):
    server.forget_requests()
    assert register.units_of(A, "12") == []
    assert register.units_in(A, "../1") == []
    assert server.requests == []


def test_a_register_that_is_away_is_not_asked_again_at_once(register, server, clock):
    server.fail(times=3)
    with pytest.raises(RegisterError):
        register.units_of(A, STORKOPING.number)
    server.forget_requests()
    with pytest.raises(RegisterError, match="a moment ago"):
        register.units_in(A, "9999")
    assert server.requests == []
    clock.now += AWAY
    assert register.units_of(A, STORKOPING.number)


def test_details_are_asked_for_once_a_month(register, server, clock):
    assert register.unit(A, "12345678").school_types == ("GR",)
    server.forget_requests()
    clock.now += 29 * DAY
    assert register.unit(B, "12345678").municipality_code == "9999"
    assert server.requests == []
    clock.now += 2 * DAY
    register.unit(A, "12345678")
    assert server.requests == ["/v2/school-units/12345678"]


def test_a_unit_without_details_is_still_known(register, server):
    server.fail(times=None)
    assert register.unit(A, "12345678") == RegisterUnit("12345678", "Norra skolan")


def test_nonsense_about_one_unit_does_not_keep_others_away(register, server):
    server.fail("12345678", kind="notJson", times=None)
    found = register.details(A, ["12345678", "12345679", "11111111", "x"])
    assert found["12345678"].school_types == ()
    assert found["12345679"].school_types == ("GR",)
    assert set(found) == {"12345678", "12345679"}


def test_statuses_are_those_of_the_copy(register, server):
    server.forget_requests()
    assert register.statuses(A, ["99995001", "12345678", "11111111"]) == {
        "99995001": "UPPHORT",
        "12345678": "AKTIV",
    }
    assert server.requests == []


# Without access


def test_without_access_what_can_be_done_is_reported(cut_off):
    for ask in (cut_off.refresh, lambda: cut_off.units_of(A, STORKOPING.number)):
        with pytest.raises(RegisterError, match=r"SKOLSYNK_REGISTER=off.*Upload"):
            ask()
    assert cut_off.search(A, "norra") == []
    assert cut_off.unit(A, "12345678") is None
    assert cut_off.organiser_for("storkoping.se", "") is None
    assert not cut_off.state(A).access


# Uploads


def test_an_upload_is_used_without_access(cut_off):
    assert cut_off.upload(A, FILE) == 2
    assert names(cut_off.search(A, "nya")) == ["Nya skolan"]
    assert names(cut_off.units_of(A, STORKOPING.number)) == ["Nya skolan", "Norra skolan i vår fil"]
    assert names(cut_off.units_in(A, "9999")) == ["Nya skolan", "Norra skolan i vår fil"]
    assert cut_off.unit(A, "55550001").name == "Nya skolan"
    assert cut_off.statuses(A, ["12345678"]) == {"12345678": "VILANDE"}
    assert cut_off.state(A).uploaded == 2


def test_an_upload_is_seen_by_its_tenant_alone(register):
    register.upload(A, FILE)
    assert register.search(B, "nya") == []
    assert names(register.search(B, "norra")) == ["Norra skolan"]
    assert register.unit(B, "55550001") is None
    assert "Nya skolan" not in names(register.units_of(B, STORKOPING.number))
    assert "Nya skolan" not in names(register.units_in(B, "9999"))
    assert register.statuses(B, ["12345678", "55550001"]) == {"12345678": "AKTIV"}
    assert register.details(B, ["55550001"]) == {}
    assert register.state(B).uploaded == 0


def test_an_upload_goes_before_the_register_for_the_units_that_it_has(register):
    register.upload(A, FILE)
    assert names(register.search(A, "norra")) == ["Norra skolan i vår fil"]
    unit = register.unit(A, "12345678")
    assert (unit.name, unit.status) == ("Norra skolan i vår fil", "VILANDE")
    assert unit.school_types == ("GR",), "what the file does not say is the register's"
    listed = names(register.units_of(A, STORKOPING.number))
    assert listed == ["Nya skolan", "Östra skolan", "Norra skolan i vår fil", *listed[3:]]
    assert "Norra skolan" not in listed


def test_a_file_that_is_wrong_leaves_the_earlier_one(register):
    register.upload(A, FILE)
    with pytest.raises(SpreadsheetError):
        register.upload(A, b"nothing")
    assert register.state(A).uploaded == 2


def test_a_removed_upload_is_forgotten(register):
    register.upload(A, FILE)
    register.remove_upload(A)
    assert register.search(A, "nya") == []
    assert names(register.search(A, "norra")) == ["Norra skolan"]


def test_another_process_has_an_upload_at_once(register, store, clock):
    other = Register(store, None, clock)
    assert other.state(A).uploaded == 0
    clock.now += UPLOAD_LOOKS
    register.upload(A, FILE)
    assert other.state(A).uploaded == 2


def test_many_tenants_do_not_fill_the_memory(register):
    for number in range(100):
        register.state(f"C0{number}")
    assert len(register._kept._memory) <= 41
    assert register.state(A).units
