"""E-mail to administrators.

Takes what changed in a run; sends a message in Swedish and English once.
May import `sync` and the layers below it.
"""
