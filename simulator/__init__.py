"""Signs, varies and posts deliveries like any provider: for `penstock send`, the demo, tests and benchmarks.

Public modules: `senders`, `posting`, `variation`, `load`, `sample_payloads`, `shop_deliveries`, `load_generator`, `load_figures`.
"""
