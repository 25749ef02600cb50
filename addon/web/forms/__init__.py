"""Forms: read what was entered on a page, with its errors by field."""
