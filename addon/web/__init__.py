"""The configuration pages, and the endpoints for cron and tasks.

Answers requests with pages in Swedish and English. Only the command line imports this package.
"""
