"""Lines of keys: every TOML notation of the same key is found."""

import pytest

from config.toml_lines import Location, key_lines, line_of

TEXT = """top = 1
a.b = 2 # comment
[table]
'quoted key' = 3
"dotted"."key" = 4

[[list]]
inline = { x = 1, y.z = [
  1, # one
  { deep = 2 },
] }
[list.sub]
key = 5
[[list]]
[[list.inner]]
[[list.inner]]
key = 6
[list.sub]
key = 7
"""


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("top",), 1),
        (("a", "b"), 2),
        (("table",), 3),
        (("table", "quoted key"), 4),
        (("table", "dotted", "key"), 5),
        (("list",), 7),
        (("list", 0), 7),
        (("list", 0, "inline", "x"), 8),
        (("list", 0, "inline", "y", "z", 0), 9),
        (("list", 0, "inline", "y", "z", 1, "deep"), 10),
        (("list", 0, "sub", "key"), 13),
        (("list", 1), 14),
        (("list", 1, "inner", 0), 15),
        (("list", 1, "inner", 1, "key"), 17),
        (("list", 1, "sub", "key"), 19),
    ],
)
def test_a_key_is_found_on_its_line(location: Location, line: int) -> None:
    """Headers, arrays of tables, dotted and quoted keys, inline tables and array elements."""
    assert key_lines(TEXT)[location] == line


def test_a_key_that_is_not_written_has_the_line_of_its_table() -> None:
    """A required key that is missing is reported at the header above."""
    assert line_of(("list", 1, "inner", 1, "absent", 0), key_lines(TEXT)) == 16
    assert line_of(("absent",), key_lines(TEXT)) == 1


def test_characters_outside_ascii_do_not_shift_lines() -> None:
    """The parser counts bytes, people count lines."""
    assert key_lines('"é" = "ü"\n# ñ\n"ß" = 2')[("ß",)] == 3
