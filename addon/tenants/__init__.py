"""The tenant document, an administrator's configuration, as values.

Takes JSON; gives a `Tenant`, or every fault with its place, and the changes between two.
May import `vendors` and the base modules. `model` and `conditions` are pure.
"""
