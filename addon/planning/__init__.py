"""Compare the desired resources with the last known state and make a plan. Pure.

Takes resources and a ledger; returns the operations, and whether a limit holds them.
May import `ss12000` and the layers below it; uses no clock, network or store.
"""
