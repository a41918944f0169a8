"""The search language for runs: grammar, parser and the one place where it becomes SQL."""
