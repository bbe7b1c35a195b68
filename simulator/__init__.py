"""Signs, varies and posts deliveries as any provider does: for `penstock send`, the demo, tests and benchmarks.

For others: `senders`, `posting`, `variation`, `load`, `sample_payloads`, `shop_deliveries`, `load_generator`, `load_figures`.
"""
