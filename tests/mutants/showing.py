"""Mutants in output for people: text that controls their terminal, or lines made by a payload."""

from typing import Final

from tests.mutants.mutant import Mutant

COMMANDS = "tests/unit/console/test_hostile.py"

SHOWING: Final = (
    Mutant(
        "text_runs_backwards_on_a_terminal",
        "No payload controls a terminal: a name with U+202E is read in another order than it has.",
        "config/escaping.py",
        "\\u200f\\u202a-\\u202e\\u2066-\\u2069",
        "\\u200f\\u2066-\\u2069",
        (
            "tests/unit/config/test_escaping.py::test_every_unsafe_character_is_escaped",
            f"{COMMANDS}::test_answers_of_a_server_are_shown_escaped",
        ),
    ),
    Mutant(
        "line_break_in_a_payload_makes_a_line",
        "No payload controls a terminal: a server's answer adds a line of its own choice to the result.",
        "config/escaping.py",
        "    return _IN_A_LINE.sub(_escape, text)\n",
        "    return _IN_LINES.sub(_escape, text)\n",
        (f"{COMMANDS}::test_answers_of_a_server_are_shown_escaped",),
    ),
    Mutant(
        "json_for_programs_controls_a_terminal",
        "No payload controls a terminal: `--json` passes C1 and bidirectional controls on as they came.",
        "local/screen.py",
        'harmless_json(record).replace("\\n", " ")',
        'record.replace("\\n", " ")',
        (f"{COMMANDS}::test_json_is_the_same_value",),
    ),
    Mutant(
        "command_prints_by_itself",
        "No payload controls a terminal: a command prints past the one place that escapes.",
        "console/commands/send.py",
        '        screen.line(f"  {count} x {detail}", style="red")\n',
        '        typer.echo(f"  {count} x {detail}")\n',
        (
            "tests/unit/test_output.py::test_only_the_screens_write",
            f"{COMMANDS}::test_answers_of_a_server_are_shown_escaped",
        ),
    ),
)
