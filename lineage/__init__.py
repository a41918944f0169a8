"""The graph that joins data, runs, models and deployments: nodes and edges only. What a node means belongs to its owner."""
