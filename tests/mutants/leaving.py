"""Mutants in the processes' files and logs."""

from typing import Final

from tests.mutants.mutant import Mutant

LEAVING: Final = (
    Mutant(
        "created_files_are_for_everybody",
        "Files are their owner's alone: what SQLite, RocksDB, Kafka and the registry create has the rights that the shell gives.",
        "config/private_files.py",
        "    os.umask(OTHERS)\n",
        "    os.umask(0o022)\n",
        (
            "tests/unit/config/test_private_files.py::test_created_files_are_private_those_of_libraries_and_children_too",
        ),
    ),
    Mutant(
        "files_of_a_former_version_stay_open",
        "Files are their owner's alone: what an earlier version has written stays readable by every user.",
        "config/private_files.py",
        "    for path in _below(root):\n",
        "    for path in ():\n",
        ("tests/unit/config/test_private_files.py::test_what_is_open_is_tightened_and_the_rest_is_as_it_was",),
    ),
    Mutant(
        "links_are_followed",
        "Files are their owner's alone: a link in the data directory changes rights of files that are not Penstock's.",
        "config/private_files.py",
        "            if not path.is_symlink():\n                yield path\n",
        "            yield path\n",
        ("tests/unit/config/test_private_files.py::test_what_is_open_is_tightened_and_the_rest_is_as_it_was",),
    ),
    Mutant(
        "java_leaves_its_libraries_behind",
        "Nothing outside of the data directory: each start leaves more native libraries.",
        "local/java.py",
        "        shutil.rmtree(folder)\n    folder.mkdir(mode=0o700, parents=True)\n",
        "        pass\n    folder.mkdir(mode=0o700, parents=True, exist_ok=True)\n",
        ("tests/unit/local/test_java.py::test_temporary_folder_is_empty_and_the_owners_alone",),
    ),
    Mutant(
        "group_counts_as_everybody",
        "A warning is true: the usual way to give a service a secret is warned of, and the warnings are not read any more.",
        "console/check/secret_files.py",
        "OTHERS = stat.S_IROTH | stat.S_IWOTH\n",
        "OTHERS = stat.S_IROTH | stat.S_IWOTH | stat.S_IRGRP\n",
        ("tests/unit/console/check/test_secret_files.py::test_rights_of_everybody_count[416-False]",),
    ),
    Mutant(
        "client_prints_its_lines",
        "A log is JSON: librdkafka's plain lines are among it, without limit.",
        "broker/clients.py",
        "    return Consumer(dict(options), logger=logging.getLogger(LOGGER))\n",
        "    return Consumer(dict(options))\n",
        ("tests/unit/broker/test_log.py::test_client_prints_nothing_and_hands_its_lines_over",),
    ),
    Mutant(
        "every_line_is_written",
        "A log stays small: an outage writes 20 lines a second into it.",
        "broker/log.py",
        "        if period.lines <= self._lines:\n",
        "        if period.lines:\n",
        ("tests/unit/broker/test_log.py::test_lines_of_a_facility_are_few_and_the_rest_is_counted",),
    ),
    Mutant(
        "spinner_is_printed",
        "A log is JSON: the worker's begins with cursor codes.",
        "streams/app.py",
        '"quiet": True, "override_logging": False, "redirect_stdouts": False})\n        self.spinner = None\n',
        '"quiet": True, "loglevel": "WARNING"})\n',
        ("tests/e2e/test_worker_log.py::test_log_is_json_from_the_first_byte",),
    ),
)
