"""The ledger: what happened, in order, provably unchanged."""
