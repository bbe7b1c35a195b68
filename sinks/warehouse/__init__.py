"""The loader: change topics become tables, rows and offsets in one transaction.

`rows` is pure and turns records into rows. `engines` keep them. `loader` reads Kafka and applies batches; `service` runs it.
"""
