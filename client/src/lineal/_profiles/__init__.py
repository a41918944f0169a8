"""Profiles of tables (docs/profiles.md): counts, moments, sketches and histograms per column, without rows, that merge.

`making` builds them, `document` holds them, and each part of a column has a module of its own. The modules of public names (`making`,
`document`, `reference`) import neither numpy nor pyarrow; those that compute do.
"""
