"""A Workspace domain, vendors, an identity provider and a register on loopback.

For the demo and the tests; it is not deployed.
"""
