"""`penstock.toml`: its tables, reading it with line numbers in every error, and the secrets it refers to.

For others: `model` (the tables), `loading.load`, `secrets` (references resolved), `problems`, `names`, `escaping`,
`private_files`,
`mounted_files`.
"""
