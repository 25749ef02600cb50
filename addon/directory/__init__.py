"""One whole reading of a directory, the same for every source.

Gives a `Snapshot` of users, groups and organisational units, and what of them is to be read.
May import `tenants` and what is below it; `snapshot` is pure.
"""
