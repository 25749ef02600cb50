"""A simulation of the country: all tenants and vendors, a day at a time."""
