"""The store in Firestore, for App Engine.

Implements `addon.store.base.Store`; imported only when it is used, because its client loads slowly.
"""
