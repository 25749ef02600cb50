"""The command line: `python -m addon COMMAND`.

Takes arguments; prints reports as text or JSON and returns exit statuses. No package imports it.
"""
