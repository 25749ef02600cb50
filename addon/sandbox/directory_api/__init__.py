"""The Admin SDK Directory API (directory_v1), as far as reading goes, over a sandbox domain."""

from addon.sandbox.directory_api.errors import DirectoryApiError
from addon.sandbox.directory_api.routes import PREFIX, DirectoryApi

__all__ = ["PREFIX", "DirectoryApi", "DirectoryApiError"]
