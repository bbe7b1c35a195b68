"""The spool on a real disk: order, bound, and the effects of a SIGKILL, a broken file and a failing disk."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from ingress.delivery import spool as spools
from ingress.delivery.spool import NotSpooled, Spool
from ingress.delivery.spool_file import SpoolFile, SpoolUnusable, unpack

LIMIT_BYTES = 1 << 20
HEADERS = [("penstock_source", b"acme"), ("x-odd", b"\xff\x00")]
CONFIRMED = 2_000
TIMEOUT_S = 10.0


@asynccontextmanager
async def spool(directory: Path, limit_bytes: int = LIMIT_BYTES) -> AsyncIterator[Spool]:
    """Give a started spool."""
    made = Spool(directory / "8080.sqlite", limit_bytes)
    made.start()
    yield made
    await made.stop()


async def append(made: Spool, *values: bytes) -> list[NotSpooled | None]:
    """Append values at once and return the results."""
    return list(await asyncio.gather(*[made.append(b"key", value, HEADERS)[1] for value in values]))


async def test_rows_come_back_in_order_and_exactly(tmp_path: Path) -> None:
    """A thousand deliveries at once: all on disk, in the order of the calls, byte for byte."""
    values = [b"%d\x00\xff" % number for number in range(1000)]
    async with spool(tmp_path) as made:
        assert await append(made, *values) == [None] * 1000

        rows = await made.rows(0, 2000, 1 << 30)

    assert [row.value for row in rows] == values
    assert unpack(rows[0].headers) == HEADERS


async def test_restart_finds_what_was_left(tmp_path: Path) -> None:
    """The next process restores depth and order, and continues after the last row."""
    async with spool(tmp_path) as made:
        await append(made, b"a", b"b", b"c")
        await made.delete(await made.rows(0, 1, 1))

    async with spool(tmp_path) as made:
        await append(made, b"d")

        assert (made.found.deliveries, made.deliveries) == (2, 3)
        assert [row.value for row in await made.rows(0, 10, 1 << 30)] == [b"b", b"c", b"d"]
        assert made.oldest_age_s() > 0


async def test_full_spool_takes_nothing_until_rows_are_gone(tmp_path: Path) -> None:
    """The bound is exact, is reported at once, and lifts once Kafka has taken something."""
    async with spool(tmp_path, limit_bytes=300) as made:
        taken = await append(made, b"x" * 200)
        (full,) = await append(made, b"x" * 200)
        assert (taken, made.bytes <= 300) == ([None], True)
        assert isinstance(full, NotSpooled)
        assert full.reason == "spool_full"

        await made.delete(await made.rows(0, 10, 1 << 30))

        assert await append(made, b"x" * 200) == [None]


async def test_deleting_twice_counts_once(tmp_path: Path) -> None:
    """The numbers are computed from the file, so that they cannot drift."""
    async with spool(tmp_path) as made:
        await append(made, b"a", b"b")
        rows = await made.rows(0, 1, 1 << 30)
        await made.delete(rows)
        await made.delete(rows)

        assert (made.deliveries, made.drained) == (1, 1)


async def test_failing_disk_is_said_and_survived(tmp_path: Path) -> None:
    """When the disk refuses a transaction its deliveries are not confirmed, and the spool works again afterwards."""
    async with spool(tmp_path) as made:
        connection = made._file._connection  # SQLite's own page limit simulates the disk
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with structlog.testing.capture_logs() as logs:
            (failed,) = await append(made, b"x" * 100_000)
        assert isinstance(failed, NotSpooled)
        assert (failed.reason, made.deliveries, made.bytes) == ("spool_failed", 0, 0)
        assert made.refusal() == NotSpooled("spool_failed", "the spool's disk does not take writes")
        assert [event["event"] for event in logs] == ["spool_write_failed"]

        connection.execute("PRAGMA max_page_count = 1000000")

        assert await append(made, b"x" * 100_000) == [None]
        assert made.refusal() is None


async def test_short_disk_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Low on space from the start, without a write and without Kafka: with space again deliveries are taken."""
    monkeypatch.setattr(spools, "LOOK_S", 3600.0)
    async with spool(tmp_path) as made:
        made._free_bytes = 0  # as measured at the start; the tests' disk has space
        (refused,) = await append(made, b"a")
        await made.rows(0, 1, 1)  # the thread has finished its earlier work
        assert isinstance(refused, NotSpooled)
        assert refused.reason == "spool_full"

        assert await append(made, b"a") == [None]


async def test_disk_is_looked_at_without_deliveries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recovered disk is detected without a post: readiness must come back by itself."""
    monkeypatch.setattr(spools, "LOOK_S", 0.01)
    async with spool(tmp_path) as made:
        made._free_bytes = 0
        made.is_failing = True
        assert made.refusal() is not None

        async with asyncio.timeout(TIMEOUT_S):
            while made.refusal() is not None:  # noqa: ASYNC110  # a fact of the spool's thread, with a deadline
                await asyncio.sleep(0.001)

        assert made.deliveries == 0


async def test_failing_disk_stays_failing_until_it_takes_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Probing a disk that still fails changes and logs nothing: the failure is logged already."""
    monkeypatch.setattr(spools, "LOOK_S", 3600.0)
    async with spool(tmp_path) as made:
        connection = made._file._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        made.is_failing = True
        with structlog.testing.capture_logs() as logs:
            made._look_soon()
            await made.rows(0, 1, 1)
            assert made.is_failing

            connection.execute("PRAGMA max_page_count = 1000000")
            made._look_soon()
            await made.rows(0, 1, 1)
            assert not made.is_failing

    assert [event["event"] for event in logs] == ["spool_writes_again"]


async def test_refused_row_stays_in_the_file(tmp_path: Path) -> None:
    """A record that Kafka will never take is out of the queue, and still there for people."""
    async with spool(tmp_path) as made:
        await append(made, b"a", b"b")
        rows = await made.rows(0, 1, 1 << 30)
        await made.refuse(rows[0], "record_too_large")

        assert [row.value for row in await made.rows(0, 10, 1 << 30)] == [b"b"]
        assert (made.deliveries, made.refused) == (1, 1)


def test_sigkill_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    """A real process killed in the middle of writing: every delivery that it reported as spooled is in the file."""
    path = tmp_path / "8080.sqlite"
    command = [sys.executable, "-m", "tests.support.processes.spooling", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        confirmed = [int(child.stdout.readline()) for _ in range(CONFIRMED)]
        child.send_signal(signal.SIGKILL)
        confirmed += [int(line) for line in child.stdout if line.endswith("\n")]

    file = SpoolFile(path)
    kept = {row.seq for row in file.rows(0, 1_000_000, 1 << 40)}
    file.close()

    assert set(confirmed) - kept == set()
    assert len(confirmed) >= CONFIRMED


@pytest.mark.parametrize("spoil", [
    lambda intact: b"this was never a database" * (len(intact) // 25),
    lambda intact: intact[:4096] + b"\xaa" * (len(intact) - 4096),
], ids=["no database", "pages overwritten"])  # fmt: skip
async def test_broken_file_is_set_aside_not_deleted(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    """An unreadable file is renamed and reported; a new one replaces it."""
    async with spool(tmp_path) as made:
        await append(made, *[b"x" * 2000] * 50)
    path = tmp_path / "8080.sqlite"
    spoiled = spoil(path.read_bytes())
    path.write_bytes(spoiled)

    with structlog.testing.capture_logs() as logs:
        async with spool(tmp_path) as made:
            assert await append(made, b"new") == [None]
            assert made.deliveries == 1

    (event,) = [event for event in logs if event["event"] == "spool_set_aside"]
    assert (tmp_path / event["kept_as"]).read_bytes() == spoiled


async def test_second_process_is_told(tmp_path: Path) -> None:
    """Two processes cannot share a spool; the second one's error names the file and the remedy."""
    async with spool(tmp_path):
        with pytest.raises(SpoolUnusable, match=r"another process holds the spool .*8080\.sqlite"):
            Spool(tmp_path / "8080.sqlite", LIMIT_BYTES)


def test_unwritable_directory_is_told(tmp_path: Path) -> None:
    """A path that cannot be a directory ends the start with its reason."""
    (tmp_path / "spool").write_text("in the way")

    with pytest.raises(SpoolUnusable, match="--data-dir"):
        Spool(tmp_path / "spool" / "8080.sqlite", LIMIT_BYTES)


async def test_people_can_look_while_it_runs(tmp_path: Path) -> None:
    """A second, read-only connection sees committed rows."""
    async with spool(tmp_path) as made:
        await append(made, b"a", b"b")
        reader = sqlite3.connect(f"file:{tmp_path / '8080.sqlite'}?mode=ro", uri=True)
        try:
            assert reader.execute("SELECT count(*) FROM spool").fetchone() == (2,)
        finally:
            reader.close()
