"""The store in one SQLite file, for one machine.

Implements `addon.store.base.Store`; `database` opens the file and migrates its schema.
"""
