"""The read methods of the Admin SDK Directory API (directory_v1), over a sandbox domain."""

from addon.sandbox.directory_api.errors import DirectoryApiError
from addon.sandbox.directory_api.routes import PREFIX, DirectoryApi

__all__ = ["PREFIX", "DirectoryApi", "DirectoryApiError"]
