"""From a roster to SS 12000 resources. Pure.

Takes a `Roster` and a connection; gives resources with stable ids and hashes.
May import `roster` and the layers below it.
"""
