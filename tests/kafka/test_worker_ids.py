"""Two workers started with one --worker-id: one of them exits and says why."""

from pathlib import Path

import pytest

from tests.support.twins import assert_one_exits

pytestmark = pytest.mark.kafka


def test_fenced_worker_exits_and_says_why(kafka: str, registry: str, tmp_path: Path) -> None:
    """A second worker takes the id over: the first ends with code 3 and names the cause; the books balance."""
    assert_one_exits(kafka, kafka, registry, tmp_path)
