"""SELECT: from a directory to the tenant's people in units, classes and groups. Pure."""
