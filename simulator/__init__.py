"""Makes, signs and posts deliveries like any provider: for `penstock send`, the demo, tests and benchmarks.

`history` tells what happens to resources; `sample_payloads` and `shop_deliveries` write that down as providers do; `variation`
and `load` multiply a payload. `signing` signs all of them; `posting` and `load_generator` post them. Public, too: `senders`,
`load_figures`, `demo_configuration`. `providers` are fake APIs, and `demo_store` is the one of them that `penstock up` serves.
"""
