"""SAY: the roster in SS 12000:2018, as a vendor can take it."""
