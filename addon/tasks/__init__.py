"""Background jobs: what runs later, and what does it.

Takes names and ids, never personal data; gives runs, withdrawals and reconciliations.
May import `notifications`, `sync` and what is below them.
"""
