"""Jobs of the ledger."""
