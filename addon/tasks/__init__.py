"""Background jobs: tasks, the queues that hold them, and the functions that carry them out.

Takes names and ids, never personal data; starts runs, withdrawals and reconciliations.
May import `notifications`, `sync` and the layers below them.
"""
