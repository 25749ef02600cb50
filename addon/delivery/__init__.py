"""SCIM to one vendor.

Takes a plan and a target; gives what the vendor acknowledged, in the ledger.
May import `planning` and what is below it.
"""
