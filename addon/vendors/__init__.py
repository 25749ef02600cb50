"""Vendor profiles and their secrets.

Takes TOML and references to secrets; gives profiles, and targets with their headers.
Imports nothing of `addon` but `validation`.
"""
