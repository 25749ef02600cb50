"""A Workspace domain and a vendor in a box, for the demo, the tests and the measurements."""
