"""Reading backwards through a topic."""

from broker.topic_reader import BLOCK_RECORDS, Range, newest_blocks


def test_the_newest_records_come_first_and_every_one_once() -> None:
    """Blocks cover each partition from its end to its beginning, without gap or overlap."""
    found = [Range("t", 0, 5, 5 + 2 * BLOCK_RECORDS + 1), Range("t", 1, 0, 3), Range("t", 2, 7, 7)]

    blocks = list(newest_blocks(found, None))

    assert [[part.partition for part in block] for block in blocks] == [[0, 1], [0], [0]]
    assert [(part.low, part.high) for block in blocks for part in block if part.partition == 0] == [
        (5 + BLOCK_RECORDS + 1, 5 + 2 * BLOCK_RECORDS + 1),
        (6, 5 + BLOCK_RECORDS + 1),
        (5, 6),
    ]


def test_a_limit_ends_the_way_back() -> None:
    """About the allowed number of records is covered, never none."""
    found = [Range("t", 0, 0, 10 * BLOCK_RECORDS)]

    assert len(list(newest_blocks(found, 2 * BLOCK_RECORDS))) == 2
    assert len(list(newest_blocks(found, 1))) == 1
    assert list(newest_blocks([], None)) == []
