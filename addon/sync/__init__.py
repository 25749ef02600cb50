"""The use cases, one module each, built on the packages below.

Takes a `SyncContext` and a tenant; returns reports and records of runs.
May import every package except `notifications`, `tasks`, `web` and `cli`.
"""
