"""orgunits.list, orgunits.get, customers.get and domains.list."""

from addon.sandbox.directory_api.errors import DirectoryApiError
from addon.sandbox.directory_api.pages import listing
from addon.sandbox.directory_api.parameters import Parameters, check_customer, choice
from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON


def list_org_units(domain: Domain, customer: str, parameters: Parameters) -> JSON:
    """Return the OUs below one (the root if none is named): its children, or all."""
    check_customer(domain, customer)
    kind = choice(parameters, "type", ("children", "all", "allIncludingParent"))
    parent = _org_unit(domain, parameters.get("orgUnitPath", "/"))
    units = domain.org_units_below(parent["orgUnitPath"])
    if kind == "children":
        units = [unit for unit in units if unit["parentOrgUnitId"] == parent["orgUnitId"]]
    if kind == "allIncludingParent":
        units = [parent, *units]
    return listing("orgUnits", "organizationUnits", units, None)


def get_org_unit(domain: Domain, customer: str, key: str) -> JSON:
    """Return the OU with this path (without its first slash) or id."""
    check_customer(domain, customer)
    return _org_unit(domain, key)


def get_customer(domain: Domain, key: str) -> JSON:
    """Return the customer."""
    check_customer(domain, key)
    return domain.customer


def list_domains(domain: Domain, customer: str) -> JSON:
    """Return the customer's domains."""
    check_customer(domain, customer)
    return listing("domains", "domains", domain.domains, None)


def _org_unit(domain: Domain, key: str) -> JSON:
    unit = domain.find_org_unit(key)
    if unit is None:
        raise DirectoryApiError(404, "Org unit not found", "notFound")
    return unit
