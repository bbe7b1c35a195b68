"""A fake of Stripe's API. Public: `StripeFake`, and what its objects and lists are."""

from simulator.providers.stripe.fake import BASIL, LISTS, OBJECT_OF_PATH, StripeFake, rendered

__all__ = ["BASIL", "LISTS", "OBJECT_OF_PATH", "StripeFake", "rendered"]
