"""Where nothing can be ordered just now, what was decided is kept, and the page says so."""

import pytest

from addon.tasks.base import TaskQueueError
from tests.support.installation import TENANT
from tests.support.site import Site


@pytest.fixture
def site(tmp_path):
    """A site with a vendor that is on and delivered to; breaking its queue is each test's."""
    with Site(tmp_path) as site:
        site.installation.connection("all", mode="live")
        site.installation.run("sync", TENANT)
        yield site


@pytest.fixture
def client(site):
    client = site.sign_in()
    site.ready(client, "/personer")
    return client


def break_queue(site, monkeypatch):
    def away(task):
        raise TaskQueueError("the queue is away")

    monkeypatch.setattr(site.services.queue(), "enqueue", away)


def sent(site, client, page, action, **values):
    answer = site.send(client, page, action, **values)
    assert answer.status_code == 302
    return site.read(site.ready(client, answer.location))


def test_a_vendor_is_turned_on_all_the_same(site, client, monkeypatch):
    site.installation.connection("all", mode="off")
    path = "/leverantorer/all/lage/live"
    page = site.ready(client, path)
    break_queue(site, monkeypatch)
    said = sent(site, client, page, path)
    assert "All är på, men körningen kunde inte börja nu. Nästa gör det." in said
    assert site.document()["connections"][0]["mode"] == "live"


def test_nothing_is_said_to_be_withdrawn(site, client, monkeypatch):
    path = "/leverantorer/all/avveckla"
    page = site.ready(client, path)
    break_queue(site, monkeypatch)
    said = sent(site, client, page, path, name="All")
    assert "Det gick inte att börja, så inget har tagits bort." in said
    assert site.store.audit_entries(TENANT, 1)[0].what != "vendor.withdrawn"


def test_no_vendor_is_said_to_be_asked(site, client, monkeypatch):
    page = site.ready(client, "/leverantorer/all")
    break_queue(site, monkeypatch)
    said = sent(site, client, page, "/leverantorer/all/stam-av")
    assert "Det gick inte att börja just nu." in said
    assert site.store.audit_entries(TENANT, 1)[0].what != "vendor.reconciled"
