"""The Marketplace of the sandbox: whether the app is installed, and the licensing API (v2).

https://developers.google.com/workspace/marketplace/example-calls-marketplace-api
"""

import re
from threading import Lock
from urllib.parse import unquote

from addon.sandbox.directory_api import DirectoryApiError
from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON

LICENCE_PREFIX = "/appsmarket/v2/"


class Marketplace:
    """Whether the domain has the app. Thread-safe.

    An uninstalled app has no licence, and Google refuses it the directory. `by_hand` is whether
    an administrator has also given the access by hand, which lasts without the app.
    """

    def __init__(self, domain: Domain, installed: bool = True, by_hand: bool = False) -> None:
        self._domain = domain
        self._lock = Lock()
        self._installed = installed
        self._by_hand = by_hand

    @property
    def installed(self) -> bool:
        """Whether the app is installed."""
        with self._lock:
            return self._installed

    @property
    def gives_access(self) -> bool:
        """Whether Google lets the app act in the domain's name."""
        with self._lock:
            return self._installed or self._by_hand

    def install(self) -> None:
        """Install the app for the whole domain, as its administrator."""
        self.change(installed=True)

    def uninstall(self) -> None:
        """Remove the app from the domain."""
        self.change(installed=False)

    def change(self, installed: bool | None = None, by_hand: bool | None = None) -> None:
        """Change what is given. Raises TypeError for another value than true or false."""
        if not all(value is None or isinstance(value, bool) for value in (installed, by_hand)):
            raise TypeError("installed and by_hand are true or false")
        with self._lock:
            self._installed = self._installed if installed is None else installed
            self._by_hand = self._by_hand if by_hand is None else by_hand

    def to_json(self) -> JSON:
        """Return the state as the sandbox's own address gives it."""
        with self._lock:
            return {"installed": self._installed, "by_hand": self._by_hand}

    def answer(self, path: str) -> JSON:
        """Return the response to GET of this path of the licensing API.

        Raises DirectoryApiError.
        """
        found = re.fullmatch(
            r"(customerLicense|userLicense)/([^/]+)/([^/]+)", path.removeprefix(LICENCE_PREFIX)
        )
        if found is None:
            raise DirectoryApiError(404, "Not Found", "notFound")
        what, app, key = found[1], unquote(found[2]), unquote(found[3])
        if what == "customerLicense":
            there = key.lower() in self._domains()
        else:
            there = self._domain.find_user(key) is not None
        active = there and self.installed
        answer: JSON = {
            "kind": f"appsmarket#{what}",
            "id": f"{app}/{key}",
            "applicationId": app,
            "customerId": key.rpartition("@")[2],
            "state": "ACTIVE" if active else "UNLICENSED",
        }
        return answer if what == "customerLicense" else {**answer, "userId": key, "enabled": active}

    def _domains(self) -> set[str]:
        with self._domain.lock:
            return {str(each["domainName"]).lower() for each in self._domain.domains}
