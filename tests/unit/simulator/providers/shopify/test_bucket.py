"""Tests for simulator/providers/shopify/bucket.py."""

from simulator.providers.clock import Clock
from simulator.providers.shopify.bucket import Bucket, Level


def test_bucket_fills_at_its_rate_up_to_its_maximum() -> None:
    """What is taken comes back at a steady rate; what a query did not cost comes back at once."""
    clock = Clock()
    bucket = Bucket(clock.now, maximum=100, restored_per_s=10)

    assert bucket.take(80)
    assert not bucket.take(30)
    bucket.give_back(5)
    clock.advance(0.5)
    assert bucket.level() == Level(100, 30, 10)
    assert bucket.take(30)
    clock.advance(60)
    assert bucket.level().available == 100
    assert bucket.refused == 1
