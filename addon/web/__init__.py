"""ASK: the web application, one module a page or endpoint family."""
