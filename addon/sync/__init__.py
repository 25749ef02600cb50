"""The use cases: one module each, over the packages below.

Takes a `SyncContext` and a tenant; gives reports and records of runs.
May import every package but `notifications`, `tasks`, `web` and `cli`.
"""
