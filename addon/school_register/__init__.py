"""Skolverket's register of school units.

Takes the API's answers or a CSV file; gives organisers and their school units, cached for weeks.
May import `store` and the layers below it.
"""
