"""One tenant never sees or touches another's, by no address and no form."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.page_content import all_forms_of, form_of
from tests.support.routes import METHODS
from tests.support.small_school import OTHER_TENANT, STRANGER, TEACHER, TENANT
from tests.support.two_tenants import OURS, THEIR_PUPIL, TwoTenants


@pytest.fixture
def both(tmp_path: Path) -> Iterator[TwoTenants]:
    with TwoTenants(tmp_path) as both:
        yield both


def secrets_in(both: TwoTenants, text: str) -> list[str]:
    """Words of ours that a text has."""
    return [word for word in (*OURS, *both.external_ids) if word in text]


def ours_at_the_vendor(both: TwoTenants) -> list[str]:
    """Our people as the vendor that both have has them."""
    known = set(both.external_ids)
    users = both.world.vendor("all").held("User").values()
    return sorted(repr(user) for user in users if user["externalId"] in known)


def test_the_walk_sees_what_it_looks_for(both: TwoTenants) -> None:
    """Or all that follows would prove nothing."""
    seen = " ".join(page.text for _, page in both.pages(both.world.sign_in()))
    seen += both.world.ready(both.world.sign_in(), "/skolenheter/sok?q=friskolan").text
    found = secrets_in(both, seen)
    assert {"Storvik", "Äppelqvist", "Pärlbåt", "Undangömda friskolan"} <= set(found)
    assert THEIR_PUPIL not in seen


def test_nobody_reaches_anything(both: TwoTenants) -> None:
    client = both.world.app.test_client()
    token = form_of(client.get("/logga-in"), "/logga-in")["csrf_token"]
    before = both.rows()
    paths = sorted({path for _, path in both.walk("GET", "POST")})
    for path in paths:
        for method in METHODS:
            answer = client.open(path, method=method, data={"csrf_token": token})
            assert answer.status_code == (302 if method == "GET" else 401), (method, path)
            assert not secrets_in(both, answer.text), (method, path)
    assert both.rows() == before
    assert not both.world.requests


def test_who_is_no_administrator_reaches_nothing(both: TwoTenants) -> None:
    client = both.world.app.test_client()
    assert both.world.try_to_sign_in(client, TEACHER).status_code == 403
    before = both.rows()
    for method, path in both.walk("GET", "POST"):
        answer = client.open(path, method=method)
        assert answer.status_code in (302, 401), (method, path)
        assert not secrets_in(both, answer.text), (method, path)
    assert both.rows() == before
    assert not both.world.requests


def test_another_tenants_administrator_sees_only_their_own(both: TwoTenants) -> None:
    list(both.pages(both.world.sign_in()))  # so that whatever is remembered is ours
    client = both.world.sign_in(STRANGER)
    before, seen = both.rows(), ""
    for path, page in both.pages(client):
        assert page.status_code in (200, 302, 404), path
        assert not secrets_in(both, page.text), path
        seen += page.text
    found = client.get("/skolenheter/sok?q=friskolan")
    assert not secrets_in(both, found.text)
    assert {"Grannskolan", THEIR_PUPIL} <= {w for w in ("Grannskolan", THEIR_PUPIL) if w in seen}
    assert both.rows() == before


@pytest.mark.parametrize(
    "path",
    [
        "/skolenheter/{code}",
        "/personer/{user_id}",
        "/personer/{user_id}/hos/all",
        "/korningar/{run_id}",
    ],
)
def test_an_address_with_anothers_id_leads_nowhere(both: TwoTenants, path: str) -> None:
    client = both.world.sign_in(STRANGER)
    assert both.world.ready(client, path.format(**both.ids)).status_code == 404


def test_another_tenants_administrator_changes_nothing_of_ours(both: TwoTenants) -> None:
    client = both.world.sign_in(STRANGER)
    before, there = both.rows(), ours_at_the_vendor(both)
    for method, path in both.walk("POST"):
        token = form_of(client.get("/"), "/sprak")["csrf_token"]
        answer = client.open(path, method=method, data={"csrf_token": token, **both.ids})
        assert answer.status_code < 500, (method, path)
        assert not secrets_in(both, answer.text), (method, path)
        both.world.wait_for_tasks()
    assert both.rows() == before
    assert ours_at_the_vendor(both) == there


def test_our_forms_sent_by_another_tenants_administrator_change_nothing_of_ours(
    both: TwoTenants,
) -> None:
    """Each form of each of our pages as it stands, with our ids and marks, and their token."""
    forms = {
        (action, json.dumps(fields, sort_keys=True)): (action, fields)
        for _, page in both.pages(both.world.sign_in())
        for action, fields in all_forms_of(page)
        if "csrf_token" in fields and not action.startswith(("/logga-", "/sprak"))
    }
    assert len({action for action, _ in forms.values()}) > 15
    client, before, there = both.world.sign_in(STRANGER), both.rows(), ours_at_the_vendor(both)
    for action, fields in forms.values():
        token = form_of(client.get("/"), "/sprak")["csrf_token"]
        answer = client.post(action, data={**fields, "csrf_token": token})
        assert answer.status_code < 500, action
        both.world.wait_for_tasks()
    assert both.rows() == before
    assert ours_at_the_vendor(both) == there


def test_a_document_of_another_tenant_is_not_taken(both: TwoTenants) -> None:
    document = both.world.store.tenant(TENANT)
    assert document is not None
    client, before = both.world.sign_in(STRANGER), both.rows()
    mine = both.rows(OTHER_TENANT)["tenants"]
    token = form_of(client.get("/"), "/sprak")["csrf_token"]
    for do in ("", "import"):
        form = {"csrf_token": token, "text": document.decode(), "do": do}
        answer = client.post("/installningar/dokument", data=form)
        assert answer.status_code == 400
        assert "Filen hör till en annan organisation." in both.world.text(answer)
    assert both.rows() == before
    assert both.rows(OTHER_TENANT)["tenants"] == mine
