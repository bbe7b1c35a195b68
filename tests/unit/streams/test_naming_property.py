"""Any history of one id in several tenants, shown by several renderings and in several attempts, against a simple model.

The model keeps one dictionary of fields and one (attempt, state, time) per tenant: what an accepted rendering shows replaces what
is stored, what it leaves out stays, no attempt or state is left backwards, and an older one only adds fields.
"""

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from schemas import codec
from schemas.records import PHASE, Document, Snapshot, key_parts, resource_key
from tests.support.builders.deliveries import RESOURCE, SOURCE, Pipeline, Scripted, delivery, snapshot
from tests.support.builders.properties import examples

TENANTS = ("", "shop-a", "shop-b", "shop-b:test")
FIELDS = ("title", "vendor", "price")
STATES = st.integers(0, 2)  # queued, in progress, completed
ORDER = st.tuples(st.integers(1, 3), STATES, st.integers(0, 4))  # attempt, state, second
Known = tuple[tuple[int, int], Document]


class History(RuleBasedStateMachine):
    """The same id at several accounts of one app, each with its own life."""

    def __init__(self) -> None:
        super().__init__()
        self.pipeline = Pipeline()
        self.known: dict[str, Known] = {}
        self.sent: list[tuple[str, Snapshot, str, str | None]] = []

    @rule(
        tenant=st.sampled_from(TENANTS), order=ORDER, values=st.dictionaries(st.sampled_from(FIELDS), st.integers(0, 3))
    )
    def show(self, tenant: str, order: tuple[int, int, int], values: dict[str, int]) -> None:
        """Show some of the fields, as a subscription with include_fields does, in some attempt and state."""
        self._arrive(tenant, _shown(values, order, may_be_partial=True), f"d{len(self.sent)}", None)

    @rule(tenant=st.sampled_from(TENANTS), order=ORDER, value=st.integers(0, 3), version=st.sampled_from("AB"))
    def show_in_a_version(self, tenant: str, order: tuple[int, int, int], value: int, version: str) -> None:
        """Show the fields that an API version has: A has no price, B no vendor."""
        left_out = {"A": "price", "B": "vendor"}[version]
        values = {field: value for field in FIELDS if field != left_out}
        self._arrive(tenant, _shown(values, order, may_be_partial=True), f"d{len(self.sent)}", version)

    @rule(choice=st.integers(0, 99))
    def retry(self, choice: int) -> None:
        """Send any earlier delivery again."""
        if self.sent:
            tenant, shown, delivery_id, version = self.sent[choice % len(self.sent)]
            stored = dict(self.known)
            self._decide(tenant, shown, delivery_id, version)
            assert self.pipeline.results[-1].outcome.outcome == "duplicate"
            assert self.known == stored

    @invariant()
    def every_tenant_has_its_own_state(self) -> None:
        """What is stored of a tenant is what the model has of it, and nothing else is stored."""
        assert {tenant for tenant in TENANTS if self._stored(tenant) is not None} == self.known.keys()
        assert all(self._stored(tenant) == document for tenant, (_, document) in self.known.items())

    @invariant()
    def changes_of_a_tenant_form_a_chain(self) -> None:
        """Every `before` is the previous `after` of the same tenant, and no field that was shown is ever gone."""
        states: dict[str, Document] = {}
        for change in self.pipeline.changes:
            tenant = key_parts(change.resource_key).tenant
            after = msgspec.json.decode(change.after or b"{}")
            assert (None if change.before is None else msgspec.json.decode(change.before)) == states.get(tenant)
            assert after.keys() >= states.get(tenant, {}).keys()
            states[tenant] = after

    def _arrive(self, tenant: str, shown: Snapshot, delivery_id: str, version: str | None) -> None:
        self.sent.append((tenant, shown, delivery_id, version))
        outcome = self._decide(tenant, shown, delivery_id, version)
        order = (shown.state_rank // PHASE, int(codec.time_us(shown.event_time) or 0))
        before = self.known.get(tenant)
        if before is not None and order < before[0]:
            completed = (shown.document or {}) | before[1]
            assert outcome == ("stale" if completed == before[1] else "changed")
            self.known[tenant] = before[0], completed
            return
        document = ({} if before is None else before[1]) | (shown.document or {})
        assert outcome == ("unchanged" if before is not None and document == before[1] else "changed")
        self.known[tenant] = order, document

    def _decide(self, tenant: str, shown: Snapshot, delivery_id: str, version: str | None) -> str:
        arriving = msgspec.structs.replace(delivery(shown, delivery_id=delivery_id), tenant=tenant, api_version=version)
        return self.pipeline.decide(arriving).outcome.outcome

    def _stored(self, tenant: str) -> Any:
        row = self.pipeline.latest.get(resource_key(Scripted.name, SOURCE, tenant, RESOURCE, "7").encode())
        return None if row is None else msgspec.json.decode(codec.decode_latest(row).document or b"null")


def _shown(values: dict[str, int], order: tuple[int, int, int], **fields: Any) -> Snapshot:
    attempt, state, second = order
    shown = snapshot(dict(values), event_time=second, state_rank=PHASE * (10 * attempt + state))
    return msgspec.structs.replace(shown, **fields)


History.TestCase.settings = settings(max_examples=examples(200), stateful_step_count=25, deadline=None)
TestHistory = History.TestCase
