"""Flaws in schemes: a second truth about how a provider signs, beside the scheme that it exposes."""

from typing import Final

from tests.flaws.flaw import Flaw

SCHEMES = "tests/unit/providers/test_scheme.py"

SIGNING: Final = (
    Flaw(
        "verification_has_its_own_header",
        "One truth about signatures: `verify` reads a header that is not the one of the scheme, and the diagnosis is wrong.",
        "providers/github.py",
        "first_header(request.headers, scheme.headers)",
        'request.headers.get("x-hub-signature-256")',
        (f"{SCHEMES}::test_header_that_moved_is_verified_signed_and_explained[github]",),
    ),
    Flaw(
        "diagnosis_has_its_own_tolerance",
        "One truth about signatures: `penstock verify` calls a time too old that the ingress accepts.",
        "console/diagnosis.py",
        "judge_timestamp(text, case.now, scheme.tolerance_s)",
        "judge_timestamp(text, case.now)",
        (f"{SCHEMES}::test_another_tolerance_is_explained",),
    ),
)
