"""Experiments, runs, metrics, params, tags, datasets and artifacts: what training code logs."""
