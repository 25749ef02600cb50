"""What pages show, as values; no HTML.

Takes a tenant, a directory and runs; gives what a template walks through.
"""
