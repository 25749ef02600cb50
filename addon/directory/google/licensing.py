"""Asks the Google Workspace Marketplace whether a customer has a licence for the app.

appsmarket v2, customerLicense.get, with the service account's own credentials:
https://developers.google.com/workspace/marketplace/example-calls-marketplace-api
"""

import re
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from msgspec import Struct, structs

from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.google.administrators import QUICK_RETRIES, WITHIN
from addon.directory.google.client import LICENSING, DirectoryClient
from addon.directory.google.error_mapping import FinalError, NotFoundAnswer
from addon.directory.google.quota import quota_of
from addon.directory.google.reader import DirectorySource
from addon.directory.google.responses import json_object, single
from addon.directory.google.retry import RetryingCaller
from addon.tenants.licence import LicenceAnswer
from addon.text import fold

LICENCE_SCOPE = "https://www.googleapis.com/auth/appsmarketplace.license"
"""What the service account asks for in its own name; no customer grants it."""
KIND = "appsmarket#customerLicense"
MALFORMED = "malformed"


class CustomerLicenceAnswer(Struct, rename="camel"):
    """A customer's licence as customerLicense.get returns it."""

    state: str
    kind: str | None = None
    application_id: str | None = None
    customer_id: str | None = None


def ask_licence(source: DirectorySource, app: str, domains: Sequence[str]) -> LicenceAnswer:
    """Return the licence of the customer with these verified domains for `app`.

    `source` acts as nobody but the service account. ACTIVE by one domain is ACTIVE; UNLICENSED
    only when every domain is answered so. An error, or an answer that is not of the API's form, is
    no answer. Never raises for an answer of whatever kind.
    """
    asked = tuple(domains)
    if not asked:
        return LicenceAnswer(asked, None, "no-domains")
    source = structs.replace(source, retry_policy=QUICK_RETRIES, timeout=WITHIN)
    problems = []
    with closing(
        DirectoryClient(source.credentials, source.endpoint, source.timeout, LICENSING)
    ) as service:
        quota = quota_of(source.endpoint, "licences", app)
        calls = RetryingCaller(source.retry_policy, quota, threading.Event())
        for domain in asked:
            found = _ask(service, calls, app, domain, asked)
            if found == "ACTIVE":
                return LicenceAnswer(asked, "ACTIVE")
            if found != "UNLICENSED":
                problems.append(found)
    return LicenceAnswer(asked, None if problems else "UNLICENSED", "".join(problems[:1]))


def _ask(
    service: DirectoryClient, calls: RetryingCaller, app: str, domain: str, known: Sequence[str]
) -> str:
    """Return ACTIVE, UNLICENSED, or a code of why neither was answered."""
    what = "customerLicense.get"
    request = service.api.customerLicense().get(applicationId=app, customerId=domain)
    try:
        answer: Any = json_object(what, calls.execute(what, lambda: service.send(request)))
        found = single(what, answer, CustomerLicenceAnswer)
    except NotFoundAnswer:
        return "404"
    except (AccessRefused, FinalError) as error:
        return error.why if re.fullmatch(r"[\w ]{1,80}", error.why) else "refused"
    except DirectoryError:
        return "no-answer"
    if found.kind not in (None, KIND) or found.application_id not in (None, app):
        return MALFORMED
    if found.state == "ACTIVE":
        return "ACTIVE"
    of_another = found.customer_id is not None and fold(found.customer_id) not in map(fold, known)
    return "UNLICENSED" if found.state == "UNLICENSED" and not of_another else MALFORMED
