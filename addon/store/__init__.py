"""Persistence: documents, ledgers, runs, tasks, cached items and the audit log.

Takes and returns values of the domain; SQLite and Firestore implement one protocol.
May import `delivery`, `planning` and the layers below them.
"""
