"""The store in Firestore, for App Engine.

Implements `addon.store.base.Store`; imported only where it is used: its client is slow to load.
"""
