"""The search language for runs: grammar, parser, order, and the one place where a user's words become SQL conditions.

`grammar.lark` says what may be written, `parser` makes the small tree of `ast` from it, `compile` makes conditions of
that tree, `order` sorts and cuts pages, and `runs` puts them together.
"""
