"""What people fill in, read from forms into values, with faults by field."""
