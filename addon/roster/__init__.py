"""The roster: from a directory snapshot to people in units, classes and groups. Pure.

Takes a `Snapshot` and a `Tenant`; gives a `Roster` and findings.
May import `directory` and the layers below it.
"""
