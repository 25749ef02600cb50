"""What was typed into a form, with its errors by field."""
