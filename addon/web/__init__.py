"""The configuration pages, and the endpoints for cron and tasks.

Takes requests; gives pages in Swedish and English. Imported by nothing but the command line.
"""
