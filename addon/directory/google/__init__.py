"""The Directory API of Google Workspace as a source of snapshots.

Takes credentials and a reading scope; gives a complete `Snapshot` or raises DirectoryError.
May import `directory` and the layers below it.
"""
