"""The command line: `python -m addon COMMAND`.

Takes arguments; gives reports as text or JSON, and exit statuses. Imported by nothing.
"""
