"""One complete reading of a directory, in the same form for every source.

Gives a `Snapshot` of users, groups and organisational units, and the scope of the reading.
May import `tenants` and the layers below it; `snapshot` is pure.
"""
