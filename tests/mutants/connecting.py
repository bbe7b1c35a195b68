"""Mutants in connections to Kafka and the registry: secrets, credentials, and the ACLs that are requested."""

from typing import Final

from tests.mutants.mutant import Mutant

CONNECTING: Final = (
    Mutant(
        "files_of_options_are_relative_to_the_working_directory",
        "A configuration means the same wherever a process is started: a service finds no password and no authority.",
        "config/model.py",
        '        return {name: _located(name, value, info.context["directory"]) for name, value in options.items()}\n',
        "        return options\n",
        ("tests/unit/config/test_model.py::test_files_of_kafka_options_are_relative_to_the_configuration",),
    ),
    Mutant(
        "token_endpoint_in_clear",
        "No secret leaves in clear: the client's secret goes to whatever proxy the environment names.",
        "config/model.py",
        'if url.lower().startswith("http:") and',
        'if url.lower().startswith("http:hush") and',
        ("tests/unit/config/test_model.py::test_a_mistake_is_named_with_its_line",),
    ),
    Mutant(
        "registry_trusts_the_environment",
        "Credentials go to the registry alone: a proxy variable or ~/.netrc decides where and which.",
        "broker/registry_http.py",
        "            trust_env=False,\n            follow_redirects",
        "            follow_redirects",
        ("tests/kafka/test_registry_access.py::test_environment_neither_redirects_nor_adds_credentials",),
    ),
    Mutant(
        "token_is_read_once",
        "A renewed credential is used: the registry refuses everything once the first token has expired.",
        "broker/registry_http.py",
        "else _Authorization(self.authorization),",
        "else _Authorization(lambda value=self.authorization(): value),",
        ("tests/kafka/test_registry_access.py::test_token_is_read_anew",),
    ),
    Mutant(
        "right_to_a_transaction_is_missing",
        "The rights that are printed are enough: the worker gets no producer.",
        "console/check/acls.py",
        '    yield Right("transactional-id", "prefixed", f"{names.group}.", "Write")  # what follows is the worker\'s id\n',
        "",
        ("tests/unit/console/check/test_acls.py::test_rights_of_the_processes",),
    ),
)
