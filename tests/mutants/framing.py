"""Mutants in the framing: how a connection's bytes become requests."""

from typing import Final

from tests.mutants.mutant import Mutant

_AMBIGUOUS = "tests/unit/ingress/server/test_ambiguous.py"
_FRAMING = "tests/unit/ingress/server/test_framing.py"

FRAMING: Final = (
    Mutant(
        "trailers_reach_the_parser",
        "Only fields before the body are headers: the parser gets trailers, and reports them as headers.",
        "ingress/server/framing.py",
        "            if _field_line.fullmatch(line) is None:\n",
        "            if _field_line.fullmatch(line):\n                return line\n            else:\n",
        (f"{_AMBIGUOUS}::test_trailer_is_no_header",),
    ),
    Mutant(
        "trailers_are_free",
        "Memory is bounded: trailers do not count.",
        "ingress/server/framing.py",
        "            if line == _LINE_END:\n",
        "            self._spent_bytes -= len(line)\n            if line == _LINE_END:\n",
        (f"{_FRAMING}::test_what_is_no_body_is_bounded",),
    ),
    Mutant(
        "any_line_is_a_trailer",
        "Every hop reads the same requests: a request line among the trailers is dropped, where a proxy may have begun another.",
        "ingress/server/framing.py",
        "            if _field_line.fullmatch(line) is None:\n",
        "            if line[:1].isspace():\n",
        (f"{_FRAMING}::test_other_grammar_is_refused",),
    ),
    Mutant(
        "upgrade_reaches_the_parser",
        "A body is a body: at Upgrade the parser stops, and the body is taken for the next request.",
        "ingress/server/framing.py",
        "        if _UPGRADE in head.lower():",
        "        if not head:",
        (f"{_AMBIGUOUS}::test_upgrade_is_ignored_with_its_body_and_all",),
    ),
    Mutant(
        "header_limit_counts_reads",
        "Memory is bounded: what comes in one read passes the limit of a head.",
        "ingress/server/framing.py",
        "        self._check_limit(size)\n",
        "        self._check_limit(size if found < 0 else 0)\n",
        (f"{_FRAMING}::test_head_limit_is_exact",),
    ),
    Mutant(
        "chunks_may_be_tiny",
        "Time is bounded: chunks of one byte cost a hundred times what they carry.",
        "ingress/server/framing.py",
        "        if self._chunk_count > FREE_CHUNKS + self._data_bytes // LEAST_CHUNK_BYTES:\n",
        "        if self._chunk_count < 0:\n",
        (f"{_FRAMING}::test_what_is_no_body_is_bounded",),
    ),
    Mutant(
        "fields_are_not_counted",
        "Memory is bounded: 64 kB of empty fields take 2 MB.",
        "ingress/server/head_checks.py",
        "    if len(fields) > MAX_FIELDS:\n",
        "    if len(fields) < 0:\n",
        (f"{_AMBIGUOUS}::test_fields_are_bounded_in_number",),
    ),
    Mutant(
        "half_closed_sender_is_left",
        "Every request is answered: a sender that closes its side after it gets nothing.",
        "ingress/server/protocol.py",
        '        if self._running is not None and not self._is_arriving:\n            return self.scheme == "http"\n',
        "",
        (f"{_AMBIGUOUS}::test_half_closed_sender_is_answered",),
    ),
    Mutant(
        "waiting_bytes_are_not_counted",
        "Memory is bounded: partial heads and pipelined requests are not counted.",
        "ingress/server/protocol.py",
        "        self.in_flight.body_bytes += held_bytes - self._counted_bytes\n",
        "",
        (f"{_AMBIGUOUS}::test_bytes_that_nobody_reads_are_counted",),
    ),
    Mutant(
        "counted_bytes_stay_counted",
        "Limits are released: a body counts after its end, and finally every delivery is refused.",
        "ingress/server/protocol.py",
        "        task.add_done_callback(self._charge.settle)\n",
        "",
        (f"{_AMBIGUOUS}::test_every_counted_byte_is_given_back",),
    ),
    Mutant(
        "host_is_optional",
        "Every hop reads the same requests: without a host, or with two, a proxy and the ingress may mean different sites.",
        "ingress/server/head_checks.py",
        '    if len(fields) > len(by_name) and sum(name == b"host" for name, _ in fields) > 1:\n',
        "    if len(fields) > 1000:\n",
        (f"{_AMBIGUOUS}::test_heads_that_the_parser_takes_too_easily",),
    ),
    Mutant(
        "paths_are_decoded",
        "A proxy's path filter is never passed: an encoded path is served as the one that it stands for.",
        "ingress/app.py",
        'return raw_path.removeprefix(DELIVERIES).removesuffix(b"/").decode("latin-1")',
        'return __import__("urllib.parse").parse.unquote_to_bytes(raw_path).removeprefix(DELIVERIES).decode("latin-1")',
        ("tests/unit/ingress/test_app.py::test_path_is_answered",),
    ),
    Mutant(
        "padded_length_is_too_large",
        "What is valid is read: zeros before a Content-Length make it too long a number.",
        "ingress/admission/body_limits.py",
        '.lstrip("0")',
        "",
        ("tests/unit/ingress/admission/test_body_limits.py::test_headers_alone_can_refuse",),
    ),
    Mutant(
        "tab_is_part_of_a_signature",
        "What is valid is read: a tab behind a signature makes it another one.",
        "ingress/server/protocol.py",
        "        if self._framing.has_blanks:\n",
        "        if len(self.headers) > 1000:\n",
        (f"{_AMBIGUOUS}::test_blanks_round_a_value_are_none_of_it",),
    ),
    Mutant(
        "handshakes_are_not_counted",
        "Memory is bounded: connections that never finish their handshake are not counted.",
        "ingress/server/tls_handshakes.py",
        "if len(self._under_way) + len(self._connections) >= self._max_connections:",
        "if len(self._connections) >= self._max_connections:",
        ("tests/unit/ingress/server/test_tls.py::test_handshakes_count_among_the_connections",),
    ),
)
