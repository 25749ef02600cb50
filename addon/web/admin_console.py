"""Addresses of pages in Google's Admin console: by id, never by a name or an e-mail address.

https://support.google.com/a/answer/182076 has the console itself. Google documents no address of
the page of one OU, so those of OUs lead to the list.
"""

from urllib.parse import quote

from addon.web.services import current_services

CONSOLE = "https://admin.google.com/ac"
ORG_UNITS = f"{CONSOLE}/orgunits"
API_CONTROLS = f"{CONSOLE}/owl"
DELEGATION = f"{CONSOLE}/owl/domainwidedelegation"
DOMAINS = f"{CONSOLE}/domains/manage"
MARKETPLACE_APPS = f"{CONSOLE}/apps/gmail/marketplace/apps"


def user_page(user_id: str) -> str:
    """Return the address of an account's page."""
    return f"{CONSOLE}/users/{quote(user_id, safe='')}"


def group_page(group_id: str) -> str:
    """Return the address of a group's page."""
    return f"{CONSOLE}/groups/{quote(group_id, safe='')}"


def marketplace_page() -> str:
    """Return the address of Skolsynk among the Marketplace apps; of their list if not published."""
    app = current_services().settings.marketplace_app
    return f"{CONSOLE}/apps/gmail/marketplace/appdetails/{app}" if app else MARKETPLACE_APPS
