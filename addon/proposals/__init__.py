"""What could be set up for each school unit, with reasons. Pure.

Takes a snapshot and school units; gives selectors and rules, with how sure they are.
May import `roster` and what is below it.
"""
