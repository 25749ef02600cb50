"""READ: one whole reading of a tenant's Workspace directory."""
