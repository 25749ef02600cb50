"""What an administrator has said: the tenant document as values.

Takes JSON; gives a `Tenant`, or every fault with its place, and what differs between two.
May import `vendors` and the modules on the ground. `model` and `conditions` are pure.
"""
