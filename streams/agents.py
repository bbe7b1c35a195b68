"""The Faust agent: takes each batch from the channel and has it decided (`worker/batch.py`)."""

from collections.abc import AsyncIterable

from streams.worker.batch import Batch, process_batch


async def capture(batches: AsyncIterable[Batch]) -> None:
    """Decide every batch, in order. The consumer, which waits for a batch's `decided`, commits what follows."""
    async for batch in batches:
        process_batch(batch)
