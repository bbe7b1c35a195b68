"""The configuration, `penstock.toml`: its tables, loading with the line of every error, and the secrets it refers to.

Public: `model` (the tables), `loading.load`, `secrets` (resolves references), `problems`, `names`, `escaping`,
`private_files`, `mounted_files`.
"""
