"""The settings of Skolsynk between servers on loopback: for the demo, tests and benchmarks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class VendorServer(Protocol):
    """A SCIM server with a base address and the API key that it accepts."""

    @property
    def url(self) -> str: ...
    @property
    def key(self) -> str: ...


def write_environment(
    folder: Path,
    profiles: str,
    vendors: Mapping[tuple[str, str], VendorServer],
    directory_url: str | None = None,
) -> dict[str, str]:
    """Write the vendor profiles (TOML) to `folder` and return the settings for a store there.

    `vendors` are by vendor id and mode; profiles refer to them as
    `env:SKOLSYNK_{VENDOR}_{MODE}_URL` and `_KEY`.
    """
    path = folder / "vendors.toml"
    path.write_text(profiles, "utf-8")
    environ = {
        "SKOLSYNK_STORE": f"sqlite:///{folder / 'skolsynk.db'}",
        "SKOLSYNK_VENDORS": str(path),
        "SKOLSYNK_REGISTER": "off",  # nobody here asks Skolverket
    }
    if directory_url is not None:
        environ["SKOLSYNK_DIRECTORY_ENDPOINT"] = directory_url
    for (vendor, mode), server in vendors.items():
        name = f"SKOLSYNK_{vendor}_{mode}".upper()
        environ |= {f"{name}_URL": server.url, f"{name}_KEY": server.key}
    return environ


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables without the settings of Skolsynk."""
    return {name: value for name, value in environ.items() if not name.startswith("SKOLSYNK_")}
