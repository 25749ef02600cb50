"""Parsing of query parameters; a value that Google refuses raises DirectoryApiError."""

from collections.abc import Mapping, Sequence

from addon.sandbox.directory_api.errors import DirectoryApiError, bad_request, forbidden, invalid
from addon.sandbox.domain import Domain

Parameters = Mapping[str, str]


def number(parameters: Parameters, name: str, default: int, maximum: int) -> int:
    """Return a whole number from 1 to `maximum`."""
    text = parameters.get(name)
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= maximum:
        raise invalid(name)
    return int(text)


def choice(parameters: Parameters, name: str, values: Sequence[str]) -> str:
    """Return one of `values`; the first when the parameter is absent."""
    value = parameters.get(name, values[0])
    if value not in values:
        raise invalid(name)
    return value


def truth(parameters: Parameters, name: str) -> bool:
    """Return a boolean; False when the parameter is absent."""
    value = parameters.get(name, "false").lower()
    if value not in {"true", "false"}:
        raise invalid(name)
    return value == "true"


def check_customer(domain: Domain, customer: str) -> None:
    """Refuse any customer but this one."""
    if customer not in {"my_customer", domain.customer["id"]}:
        raise forbidden()


def scope(domain: Domain, parameters: Parameters) -> str | None:
    """Return the requested `domain` in lower case, or None for the whole `customer`."""
    name = parameters.get("domain")
    if name is None:
        if "customer" not in parameters:
            raise bad_request()
        check_customer(domain, parameters["customer"])
        return None
    if name.lower() not in {each["domainName"] for each in domain.domains}:
        raise DirectoryApiError(404, "Domain not found.", "notFound")
    return name.lower()
