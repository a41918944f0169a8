"""Profiles as the server reads them (docs/profiles.md): checked strictly, merged, never built from rows here."""
