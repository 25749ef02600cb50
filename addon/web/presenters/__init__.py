"""Presenters: build the values that pages show, without HTML.

Each takes a tenant, a directory and runs, and returns the values that a template renders.
"""
