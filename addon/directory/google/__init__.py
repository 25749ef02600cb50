"""The Directory API of Google Workspace as a source of snapshots.

Takes credentials and a reading scope; gives a whole `Snapshot`, or a `DirectoryError`.
May import `directory` and what is below it.
"""
