"""SEND: plans, guards them, and delivers them to a vendor."""
