"""The country, simulated: all tenants and vendors, a day at a time."""
