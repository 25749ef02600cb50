"""E-mail to administrators.

Takes what changed in a run; gives a message in Swedish and English, sent once.
May import `sync` and what is below it.
"""
