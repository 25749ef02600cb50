"""The card in the side panel of Gmail, Calendar and Drive: what Google's add-on service calls.

https://developers.google.com/workspace/add-ons/guides/alternate-runtimes
"""
