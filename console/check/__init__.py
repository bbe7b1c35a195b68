"""`penstock check` and `penstock acls`: the faults of a configuration and its surroundings, and the rights of each process.

Public modules: `configuration`, `fields`, `topics` (findings), `reachable_topics`, `acls`.
"""
