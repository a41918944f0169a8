"""A store full of runs, made in minutes: what search is measured on."""
