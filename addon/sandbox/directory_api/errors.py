"""Errors as the Directory API answers them."""

from typing import Any


class DirectoryApiError(Exception):
    """An answer that is an error: status, message, reason and, for parameters, location."""

    def __init__(self, status: int, message: str, reason: str, location: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.location = location

    def body(self) -> dict[str, Any]:
        """The body that Google sends with it."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location is not None:
            detail |= {"location": self.location, "locationType": "parameter"}
        return {"error": {"code": self.status, "message": self.message, "errors": [detail]}}


def not_found(key: str) -> DirectoryApiError:
    """What the path parameter `key` names does not exist."""
    return DirectoryApiError(404, f"Resource Not Found: {key}", "notFound")


def invalid(what: str) -> DirectoryApiError:
    """A parameter has a value that Google does not take."""
    return DirectoryApiError(400, f"Invalid Input: {what}", "invalid")


def forbidden() -> DirectoryApiError:
    """What was asked about belongs to another customer."""
    return DirectoryApiError(403, "Not Authorized to access this resource/api", "forbidden")


def bad_request() -> DirectoryApiError:
    """The parameters do not go together."""
    return DirectoryApiError(400, "Bad Request", "badRequest")
