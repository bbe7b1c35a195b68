"""The common part of every history that Hypothesis makes: deliveries repeated, late, or by two subscriptions."""

from collections import Counter

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from schemas.records import RawDelivery, Snapshot
from tests.support.builders.deliveries import Pipeline

CHOICES = st.integers(0, 99)


class Noisy(RuleBasedStateMachine):
    """A provider's noise before one pipeline; subclasses make deliveries (`_made`) and judge their outcome (`_arrive`)."""

    def __init__(self) -> None:
        """Begin with nothing sent, and nothing delayed."""
        super().__init__()
        self.pipeline = Pipeline()
        self.sent: list[RawDelivery] = []
        self.held: list[RawDelivery] = []

    @rule(choice=CHOICES)
    def retry(self, choice: int) -> None:
        """Send any earlier delivery again, unchanged."""
        if self.sent:
            self._arrive(self.sent[choice % len(self.sent)])

    @rule(choice=CHOICES)
    def tell_another_subscription(self, choice: int) -> None:
        """Send the content of a delivery once more under another id."""
        if self.sent:
            self._arrive(msgspec.structs.replace(self._made(), body=self.sent[choice % len(self.sent)].body))

    @rule(choice=CHOICES)
    def release(self, choice: int) -> None:
        """Let one of the delayed deliveries arrive, not always the oldest."""
        if self.held:
            self._arrive(self.held.pop(choice % len(self.held)))

    @invariant()
    def each_change_goes_out_once(self) -> None:
        """No event id occurs twice."""
        ids = Counter(change.event_id for change in self.pipeline.changes)
        assert max(ids.values(), default=1) == 1

    def _made(self, *shown: Snapshot) -> RawDelivery:
        raise NotImplementedError

    def _arrive(self, arriving: RawDelivery) -> None:
        raise NotImplementedError
