"""The whole directory, read for the administrator and kept for a day."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from addon.bootstrap import read_directory
from addon.directory.errors import DirectoryError
from addon.directory.snapshot import Snapshot, User
from addon.settings import Settings
from addon.store.sqlite.store import SQLiteStore
from addon.tenants.document import load_tenant
from addon.tenants.model import Clause, Organisation, SchoolUnit, Selector, Tenant
from addon.web.directory import snapshot_store
from tests.support.small_school import TENANT, small_school
from tests.support.world import World

NOW = 1_800_000_000.0


def person(number: int, **attributes: str) -> User:
    return User(
        id=str(number),
        primary_email=f"{number}@x.se",
        given_name="A",
        family_name="B",
        org_unit_path="/",
        attributes={name.replace("__", "."): (value,) for name, value in attributes.items()},
    )


def known(*users: User, mentioned: tuple[str, ...] = ()) -> tuple[str, ...]:
    return snapshot_store.without_identifying_fields(
        Snapshot(users, (), ()), NOW, mentioned
    ).attributes


@pytest.fixture
def world(tmp_path: Path) -> Any:
    with small_school(tmp_path) as world:
        yield world


def take(
    world: World, store: SQLiteStore, now: float = NOW
) -> snapshot_store.DirectorySnapshot | None:
    settings = Settings.from_environ(world.environ)
    tenant = load_tenant(store.tenant(TENANT) or b"")
    return snapshot_store.read_and_store(
        lambda t, told: read_directory(settings, t, told), store, tenant, lambda: now
    )


def test_it_has_everybody_but_the_protected(world: World):
    with world.open_store() as store:
        found = take(world, store)  # type: ignore[arg-type]

    assert found is not None
    assert len(found.snapshot.users) == len(world.domain.users) - 1
    assert len(found.snapshot.protected) == 1
    assert not any("Hemliga" in user.given_name for user in found.snapshot.users)


def test_it_is_in_the_store_for_a_day_and_then_gone(world: World):
    with world.open_store() as store:
        take(world, store)  # type: ignore[arg-type]
        namespace = snapshot_store.namespace_of(TENANT)

        assert store.get(namespace, "directory", NOW + snapshot_store.KEPT - 1) is not None
        assert store.get(namespace, "directory", NOW + snapshot_store.KEPT + 1) is None


def test_a_directory_that_cannot_be_read_is_reported_and_nothing_kept(world: World):
    with world.open_store() as store:
        take(world, store)  # type: ignore[arg-type]
        tenant = load_tenant(store.tenant(TENANT) or b"")

        def refuse(tenant: Tenant, told: snapshot_store.ReportProgress) -> Snapshot:
            raise DirectoryError("the quota was exceeded")

        assert snapshot_store.read_and_store(refuse, store, tenant, lambda: NOW) is None
        state = snapshot_store.load_state(store, TENANT, NOW)
        assert state is not None
        assert (state.status, state.detail) == ("failed", "the quota was exceeded")
        assert store.get(snapshot_store.namespace_of(TENANT), "directory", NOW) is None


def test_a_reading_that_says_nothing_for_long_is_lost():
    reading = snapshot_store.ReadingState("reading", NOW)

    assert not reading.lost(NOW + snapshot_store.LOST - 1)
    assert reading.lost(NOW + snapshot_store.LOST + 1)
    assert not structs.replace(reading, status="done").lost(NOW + snapshot_store.LOST + 1)


def test_fields_that_people_share_are_kept():
    pupils = [person(n, customSchemas__Skola__klass="7A" if n % 2 else "7B") for n in range(8)]

    assert known(*pupils) == ("customSchemas.Skola.klass",)


def test_a_number_of_ones_own_is_not_kept():
    assert known(*(person(n, customSchemas__Skola__nummer=str(n)) for n in range(9))) == ()


def test_personal_numbers_are_not_kept_however_many_share_them():
    twins = [person(n, customSchemas__Skola__pnr="20120115-2384") for n in range(9)]

    assert known(*twins) == ()


def test_what_the_document_mentions_is_kept():
    people = [person(n, customSchemas__Skola__nummer=str(n)) for n in range(9)]

    mentioned = ("customSchemas.Skola.nummer",)
    assert known(*people, mentioned=mentioned) == mentioned


def test_it_packs_and_unpacks():
    made = snapshot_store.without_identifying_fields(Snapshot((person(1),), (), ()), NOW, ())

    assert snapshot_store.unpack(snapshot_store.pack(made)) == made


def test_the_attributes_of_the_document_are_read_too():
    unit = SchoolUnit(
        code="12345678",
        name="Norra",
        students=Selector(
            filters=((Clause(attribute="locations.area", operator="equals", value="x"),),)
        ),
    )
    tenant = Tenant(customer_id="C", organisation=Organisation(name="O"), school_units=(unit,))
    (everybody,) = snapshot_store.select_everybody(tenant).school_units

    assert "locations.area" in {c.attribute for f in everybody.students.filters for c in f}
