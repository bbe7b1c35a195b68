"""The progress of a worker's restores is visible."""

import json
from pathlib import Path

from structlog.testing import capture_logs

from streams.state import restore_progress
from streams.state.restore_progress import Progress


def test_file_tells_how_far_and_goes_with_the_last_restore(tmp_path: Path) -> None:
    """The file appears before anything is read, counts all partitions together, and is removed after the last."""
    file = tmp_path / "data" / "worker.restoring"
    counted = Progress(file)

    counted.expect(0)
    counted.expect(1)
    assert json.loads(file.read_text())["waiting"] == 2
    counted.begin(0, 100)
    counted.advance(0, 30)
    assert counted.figures()["seconds_left"] is None, "one partition has not said yet how much there is"
    counted.begin(1, 300)
    counted.advance(1, 170)
    figures = counted.figures()
    assert {name: figures[name] for name in ("partitions", "waiting", "done", "total")} == {
        "partitions": 2, "waiting": 0, "done": 200, "total": 400,
    }  # fmt: skip
    assert figures["per_s"]
    assert figures["seconds_left"] is not None

    counted.end(0)
    assert file.exists()
    assert counted.figures()["total"] == 400, "what is done still counts, or the rate would jump"
    counted.end(1)
    assert not file.exists()
    assert not list(file.parent.iterdir())


def test_log_says_how_far_now_and_then(monkeypatch) -> None:  # type: ignore[no-untyped-def]  # pytest's own
    """A line every few seconds, not one for every batch."""
    counted = Progress()
    counted.expect(0)
    counted.begin(0, 1000)
    with capture_logs() as logs:
        counted.advance(0, 10)
        counted.advance(0, 10)
        assert logs == []
        monkeypatch.setattr(restore_progress, "LOG_EVERY_S", -1.0)
        counted.advance(0, 10)

    (line,) = logs
    assert (line["event"], line["done"], line["total"]) == ("restoring", 30, 1000)
