"""The pages of one run, each at an address of its own: overview, charts, params and tags, artifacts, code, line, ledger."""
