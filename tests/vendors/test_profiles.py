"""Vendor profiles: strict, told whole, and silent about secrets."""

from pathlib import Path

import pytest

from addon.vendors.profiles import (
    Endpoint,
    NotConfigured,
    Target,
    VendorsError,
    address_problem,
    load_vendors,
)

PROFILES = Path(__file__).parents[2] / "vendors.toml"
ENDPOINT = Endpoint(url="env:ILT_URL", secret="env:ILT_KEY")


def profiles(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "vendors.toml"
    path.write_text(text, "utf-8")
    return path


def told(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(VendorsError) as error:
        load_vendors(profiles(tmp_path, text))
    assert str(error.value).splitlines() == [str(fault) for fault in error.value.faults]
    return str(error.value).splitlines()


def test_the_six_vendors_of_the_cooperative_are_there() -> None:
    vendors = load_vendors(PROFILES)
    assert {v.id: v.name for v in vendors.values()} == {
        "binogi": "Binogi",
        "ilt": "ILT",
        "gleerups": "Gleerups",
        "ne": "NE",
        "sliplay": "SLI Play",
        "nok": "Natur & Kultur",
    }


def test_binogi_takes_classes_only_and_one_placement() -> None:
    vendors = load_vendors(PROFILES)
    binogi = vendors.pop("binogi")
    assert (binogi.groups, binogi.placements) == ("classes", "one")
    assert {(v.groups, v.placements) for v in vendors.values()} == {("all", "many")}


def test_each_shipped_profile_refers_to_variables_of_its_own() -> None:
    vendors = load_vendors(PROFILES)
    for vendor in vendors.values():
        expected = {
            f"SKOLSYNK_{vendor.id.upper()}_{mode}_{what}"
            for mode in ("LIVE", "TEST")
            for what in ("URL", "KEY")
        }
        assert set(vendor.variables()) == expected


def test_a_profile_needs_only_a_name(tmp_path: Path) -> None:
    vendor = load_vendors(profiles(tmp_path, '[vendors.ny]\nname = "Ny"'))["ny"]
    assert (vendor.id, vendor.groups, vendor.placements, vendor.fields) == ("ny", "all", "many", ())
    assert (vendor.requests_per_second, vendor.concurrency) == (10, 4)
    with pytest.raises(NotConfigured, match=r"no \[vendors\.ny\.live\]"):
        vendor.endpoint("live")


def test_all_faults_are_reported_at_once_each_with_its_place(tmp_path: Path) -> None:
    assert told(
        tmp_path,
        """
        [vendors.binogi]
        groups = "class"
        fields = ["emial"]
        requestsPerSecond = 0
        concurrency = 101
        support = 5
        [vendors.binogi.live]
        url = "http://example.se"
        secret = "hunter2"
        header = "X Key"
        prefix = "Bearer\\n"
        caBundel = "x"
        [vendors.NE]
        name = " "
        test = { url = "https://ne.se" }
        """,
    ) == [
        "vendors.NE: an id is lower-case letters a-z, digits, - and _",
        "vendors.NE.name: must not be empty",
        "vendors.NE.test.secret: missing",
        "vendors.binogi.concurrency: must be from 1 to 100",
        "vendors.binogi.fields[0]: must be one of cloudId, email, schoolType, schoolYear; "
        "did you mean email?",
        "vendors.binogi.groups: must be one of all, classes; did you mean classes?",
        "vendors.binogi.live.caBundel: unknown key; did you mean caBundle?",
        "vendors.binogi.live.header: must be the name of an HTTP header",
        "vendors.binogi.live.prefix: must be what an HTTP header can hold",
        "vendors.binogi.live.secret: must be env:NAME or "
        "secretmanager:projects/P/secrets/S/versions/V, never the secret",
        "vendors.binogi.live.url: must be https, or http on loopback",
        "vendors.binogi.name: missing",
        "vendors.binogi.requestsPerSecond: must be above 0",
        "vendors.binogi.support: must be text, not a number",
    ]


@pytest.mark.parametrize(
    "secret", ["hunter2", "Bearer hunter2", "env:hunter2 ", "env:", "$hunter2"]
)
def test_a_secret_written_out_is_refused_and_never_repeated(tmp_path: Path, secret: str) -> None:
    (fault,) = told(
        tmp_path,
        f'[vendors.x]\nname = "X"\nlive = {{ url = "https://x.se", secret = "{secret}" }}',
    )
    assert fault.startswith("vendors.x.live.secret: ")
    assert "hunter2" not in fault


@pytest.mark.parametrize("rate", ["-1", "inf", "nan", "0.0"])
def test_a_rate_is_a_number_above_nothing(tmp_path: Path, rate: str) -> None:
    text = f'[vendors.x]\nname = "X"\nrequestsPerSecond = {rate}'
    assert told(tmp_path, text) == ["vendors.x.requestsPerSecond: must be above 0"]


def test_what_is_not_toml_is_reported_with_its_line(tmp_path: Path) -> None:
    (fault,) = told(tmp_path, "[vendors.x]\nname = X\n")
    assert "not TOML" in fault
    assert "line 2" in fault


def test_an_empty_file_and_one_that_is_not_there_are_faults(tmp_path: Path) -> None:
    assert told(tmp_path, "") == ["vendors: missing"]
    with pytest.raises(VendorsError, match="cannot be read: No such file"):
        load_vendors(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "address",
    [
        "https://scim.example.se/v2",
        "https://scim.example.se:8443",
        "http://localhost:8000/scim",
        "http://127.0.0.1:1",
        "http://127.8.9.10",
        "http://[::1]:8000",
        "HTTPS://scim.example.se",
    ],
)
def test_https_or_http_on_loopback_is_an_address(address: str) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://scim.example.se",
        "http://localhost.example.se",
        "http://127.0.0.1.example.se",
        "http://10.0.0.1",
        "http://0.0.0.0:8000",
        "http://[::2]",
        "ftp://127.0.0.1",
        "scim.example.se",
        "https://",
        "https:///v2",
        "https://user@example.se",
        "https://user:pass@example.se",
        "https://example.se/?key=1",
        "https://example.se/?",
        "https://example.se/#a",
        "https://example.se:99999",
        "https://[::1",
        "https://exa mple.se",
        "https://example.se\n",
        "http://127.0.0.1\\@example.se",
        "",
    ],
)
def test_anything_else_is_no_address_and_is_not_repeated(address: str) -> None:
    problem = address_problem(address)
    assert problem
    assert "example" not in problem


def test_references_are_followed() -> None:
    endpoint = Endpoint(
        url="env:ILT_URL",
        secret="env:ILT_KEY",
        header="Authorization",
        prefix="Bearer ",
        ca_bundle="/etc/ssl/ilt.pem",
    )
    target = endpoint.resolve({"ILT_URL": "https://scim.ilt.se/v2/\n", "ILT_KEY": "hunter2\n"})
    assert target.url == "https://scim.ilt.se/v2"
    assert target.headers == {"Authorization": "Bearer hunter2"}
    assert target.ca_bundle == "/etc/ssl/ilt.pem"


def test_a_literal_address_loses_its_last_slash() -> None:
    endpoint = Endpoint(url="http://127.0.0.1:8000/scim/", secret="env:K")
    assert endpoint.resolve({"K": "k"}) == Target(
        "http://127.0.0.1:8000/scim", {"X-API-Key": "k"}, None
    )


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, ["ILT_URL", "ILT_KEY"]),
        ({"ILT_URL": "https://x.se"}, ["ILT_KEY"]),
        ({"ILT_URL": " ", "ILT_KEY": "k"}, ["ILT_URL"]),
    ],
)
def test_what_is_not_set_is_named(environ: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(NotConfigured) as error:
        ENDPOINT.resolve(environ)
    assert [name for name in ("ILT_URL", "ILT_KEY") if name in str(error.value)] == missing


def test_an_address_in_the_environment_is_checked_too_and_not_repeated() -> None:
    with pytest.raises(NotConfigured) as error:
        ENDPOINT.resolve({"ILT_URL": "http://user:hunter2@example.se", "ILT_KEY": "k"})
    assert str(error.value) == "ILT_URL must not hold a user name or a password"


def test_a_secret_that_would_break_the_header_is_refused_and_not_repeated() -> None:
    with pytest.raises(NotConfigured) as error:
        ENDPOINT.resolve({"ILT_URL": "https://x.se", "ILT_KEY": "hunter2\r\nHost: evil"})
    assert "ILT_KEY" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_secret_manager_is_asked_by_resource_name() -> None:
    name = "projects/p/secrets/ilt/versions/latest"
    endpoint = Endpoint(url="https://x.se", secret=f"secretmanager:{name}")
    target = endpoint.resolve({}, secrets={name: "hunter2"}.__getitem__)
    assert target.headers == {"X-API-Key": "hunter2"}
    with pytest.raises(NotConfigured, match="needs Google Cloud"):
        endpoint.resolve({})


def test_a_target_never_shows_its_secret() -> None:
    target = ENDPOINT.resolve({"ILT_URL": "https://x.se", "ILT_KEY": "hunter2"})
    assert "hunter2" not in f"{target} {target!r} {[target]}"
    assert "https://x.se" in repr(target)
