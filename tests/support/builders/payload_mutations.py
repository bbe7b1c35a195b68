"""Real payloads with one node replaced, as a provider's next version or an attacker with the secret might send."""

from typing import Any

from hypothesis import strategies as st

_replacements = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["", "x" * 300, [], {}, [{}], [[]], {"id": {}}, {"id": []}, {"id": 1.0}])
)


@st.composite
def mutated(draw: st.DrawFn, originals: list[Any]) -> Any:
    """Draw one of the originals with one node, at any depth, replaced by any JSON value or removed."""
    original = draw(st.sampled_from(originals))
    return _mutated(draw, original)


def _mutated(draw: st.DrawFn, node: Any) -> Any:
    if not isinstance(node, dict | list) or not node or draw(st.integers(0, 4)) == 0:
        return draw(_replacements)
    if isinstance(node, list):
        position = draw(st.integers(0, len(node) - 1))
        return [*node[:position], _mutated(draw, node[position]), *node[position + 1 :]]
    name = draw(st.sampled_from(sorted(node)))
    if draw(st.integers(0, 9)) == 0:
        return {other: node[other] for other in node if other != name}
    return node | {name: _mutated(draw, node[name])}
