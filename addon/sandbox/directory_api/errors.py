"""The error responses of the Directory API."""

from typing import Any


class DirectoryApiError(Exception):
    """An error response: status, message, reason and, for parameters, location."""

    def __init__(self, status: int, message: str, reason: str, location: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.location = location

    def body(self) -> dict[str, Any]:
        """Return the body that Google sends with it."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location is not None:
            detail |= {"location": self.location, "locationType": "parameter"}
        return {"error": {"code": self.status, "message": self.message, "errors": [detail]}}


def not_found(key: str) -> DirectoryApiError:
    """Return the error for a path parameter `key` that names nothing that exists."""
    return DirectoryApiError(404, f"Resource Not Found: {key}", "notFound")


def invalid(what: str) -> DirectoryApiError:
    """Return the error for a parameter value that Google does not accept."""
    return DirectoryApiError(400, f"Invalid Input: {what}", "invalid")


def forbidden() -> DirectoryApiError:
    """Return the error for a request about another customer."""
    return DirectoryApiError(403, "Not Authorized to access this resource/api", "forbidden")


def bad_request() -> DirectoryApiError:
    """Return the error for parameters that cannot be combined."""
    return DirectoryApiError(400, "Bad Request", "badRequest")
