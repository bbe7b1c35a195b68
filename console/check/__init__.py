"""`penstock check` and `penstock acls`: what is wrong with a configuration and around it, and the rights that each process needs.

For others: `configuration`, `fields`, `topics` (findings), `reachable_topics`, `acls`.
"""
