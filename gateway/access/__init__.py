"""Who may ask: tenants and their API keys."""
