"""Reading the directory: once for those who ask twice, and anew when it was forgotten."""

import pytest

from tests.installation import TENANT
from tests.web.site import Site

READ = "/katalog/las"


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path) as site:
        yield site


def test_what_is_forgotten_just_after_it_was_read_is_read_again(site):
    client = site.sign_in()
    assert site.ready(client, "/personer").status_code == 200
    page = client.get("/")
    site.send(client, page, READ)
    site.tasks()
    site.send(client, page, READ)
    assert site.ready(client, "/personer").status_code == 200


def test_who_asks_again_while_it_is_read_has_it_read_once(site, monkeypatch):
    client = site.sign_in()
    page, tasks = client.get("/"), []
    monkeypatch.setattr(site.house.queue(), "enqueue", tasks.append)
    site.send(client, page, READ)
    site.send(client, page, READ)
    assert [task.payload for task in tasks] == [{"tenant": TENANT}]
