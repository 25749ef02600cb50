"""Proposals for the configuration of each school unit, with reasons. Pure.

Takes a snapshot and school units; gives selectors and rules, with a confidence for each unit.
May import `roster` and the layers below it.
"""
