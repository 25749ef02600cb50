"""Deliver a plan to one vendor over SCIM.

Takes a plan and a target; records in the ledger what the vendor acknowledged.
May import `planning` and the layers below it.
"""
