"""Builds a warehouse anew from the change topics, beside the one that there is, and puts it in its place when it is complete.

Analysts read the old one meanwhile. Killed anywhere, the next run goes on where this one was: the new warehouse has its own
offsets, and a missing folder is the sign of an interrupted exchange.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from broker import topic_reader
from broker.schema_registry import Registry
from schemas.typed.columns import column_table
from sinks.consumer import Partition, SinkConsumer
from sinks.warehouse import opening
from sinks.warehouse.decoding import decoder
from sinks.warehouse.engines.lock import claim
from sinks.warehouse.loader import Loader
from sinks.warehouse.rows.shape import Layouts
from sinks.warehouse.settings import LoaderSettings

Advance = Callable[[int], None]


def total(settings: LoaderSettings) -> int:
    """Return about how many records a rebuild reads."""
    return sum(high - low for low, high in _ranges(settings).values())


def rebuild(settings: LoaderSettings, advance: Advance) -> int:
    """Build the warehouse anew, and return the number of records read by this run; `advance` receives them as they are read.

    Records that come meanwhile are the loader's. Raises `Unusable` while a loader runs. A warehouse that is not in one
    folder is emptied and filled again: to exchange tables in a database would drop what others have built on them.
    """
    if not settings.warehouse.is_in_folder:
        with closing(opening.writer(settings.warehouse)) as warehouse:
            warehouse.empty()
        return _load_all(settings, advance)
    folder = settings.warehouse.folder
    _finish_exchange(folder)
    with closing(claim(folder)):
        read = _load_all(replace(settings, warehouse=replace(settings.warehouse, folder=_beside(folder))), advance)
        folder.rename(_replaced(folder))
        _finish_exchange(folder)
    return read


def _load_all(settings: LoaderSettings, advance: Advance) -> int:
    ends = {partition: high for partition, (low, high) in _ranges(settings).items() if high > low}
    with (
        closing(opening.writer(settings.warehouse)) as warehouse,
        closing(Registry(settings.registry)) as registry,
        closing(SinkConsumer(settings.kafka, f"{settings.group}.rebuild", settings.wants)) as consumer,
    ):
        layouts = Layouts(column_table, settings.own_types)
        loader = Loader(consumer, decoder(registry), warehouse, layouts, settings.limits)
        read = loader.run_until(lambda positions: _has_read(positions, ends), advance)
        warehouse.compact(0)
        return read


def _has_read(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> bool:
    return all(positions.get(partition, 0) >= end for partition, end in ends.items())


def _ranges(settings: LoaderSettings) -> dict[Partition, tuple[int, int]]:
    with topic_reader.consumer(settings.kafka) as reader:
        wanted = [name for name in topic_reader.topics(reader) if settings.wants(name)]
        parts = [part for name in wanted for part in topic_reader.ranges(reader, name)]
    return {(part.topic, part.partition): (part.low, part.high) for part in parts}


def _finish_exchange(folder: Path) -> None:
    """Put a complete new warehouse in the place that the old one has left, and remove the old one."""
    if _replaced(folder).exists():
        if not folder.exists():
            _beside(folder).rename(folder)
        shutil.rmtree(_replaced(folder))


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.rebuild")


def _replaced(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.replaced")
