"""The tenant's directory for pages: read, kept a day, unpacked in memory, computed from.

Takes a tenant; gives a `TenantDirectory`, or raises that it is not read or still computing.
"""
