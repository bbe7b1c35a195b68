"""The profiler's stacks, split into parts."""

from bench.profile import shares

STACKS = [
    "run (decide.py:50);process (streams/pipeline.py:80);diff (streams/steps/diff.py:40) 6",
    "run (decide.py:50);Encoder.records (streams/worker/encoder.py:9);encode_change (schemas/codec.py:162) 3",
    "run (decide.py:50);process (streams/pipeline.py:81) 1",
    "run (decide.py:44);kept (simulator/shop_deliveries.py:3);raw_delivery (schemas/codec.py:80) 90",
    "_find_and_load (<frozen importlib>:1) 50",
]


def test_a_sample_belongs_to_its_part_and_only_deciding_counts() -> None:
    """Making the deliveries and importing do not count; shares add up to 100."""
    assert shares(STACKS) == {"diff": 60.0, "Avro change": 30.0, "the rest of process": 10.0}
