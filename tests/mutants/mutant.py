"""One mutant: the promise that it breaks, the text that it replaces, and the tests that must catch it."""

from pathlib import Path

from msgspec import Struct


class MutantError(Exception):
    """A mutant cannot be planted; the text names it, what was expected, and the remedy."""


class Mutant(Struct, frozen=True):
    """`text` occurs exactly once in `file` and becomes `replacement`; each test in `caught_by` must then fail.

    `breaks` is one sentence in the terms of docs/guarantees.md. Tests have pytest's names: `file::function`, of which one case
    must fail, or `file::function[case]`.
    """

    name: str
    breaks: str
    file: str
    text: str
    replacement: str
    caught_by: tuple[str, ...]

    @property
    def is_quick(self) -> bool:
        """Say whether the tests need neither Kafka nor a database."""
        return not any(test.startswith(("tests/kafka/", "tests/databases/")) for test in self.caught_by)

    def planted(self, source: str) -> str:
        """Return a file's text with the mutant in it; raise `MutantError` unless the replaced text is there exactly once."""
        count = source.count(self.text)
        if count != 1:
            raise MutantError(
                f"mutant {self.name}: its text stands {count} times in {self.file}, expected once; the code has changed, "
                f"so bring the mutant up to date in tests/mutants/. The text is:\n{self.text}"
            )
        return source.replace(self.text, self.replacement)

    def plant(self, root: Path) -> str:
        """Write the mutant into a copy of the project; return the file's former text."""
        file = root / self.file
        if not file.is_file():
            raise MutantError(f"mutant {self.name}: {self.file} does not exist; name the file that the code went to")
        source = file.read_text(encoding="utf-8")
        file.write_text(self.planted(source), encoding="utf-8")
        return source
