"""From desired and last known state to a plan. Pure.

Takes resources and a ledger; gives the operations, and whether limits hold them.
May import `ss12000` and what is below it; knows no clock, network or store.
"""
