"""Mutants in schemes: a signature rule outside the scheme that a provider exposes."""

from typing import Final

from tests.mutants.mutant import Mutant

SCHEMES = "tests/unit/providers/test_scheme.py"

SIGNING: Final = (
    Mutant(
        "verification_has_its_own_header",
        "One truth about signatures: `verify` reads a header that is not the one of the scheme, and the diagnosis is wrong.",
        "providers/github/provider.py",
        "first_header(request.headers, scheme.headers)",
        'request.headers.get("x-hub-signature-256")',
        (f"{SCHEMES}::test_header_that_moved_is_verified_signed_and_explained[github]",),
    ),
    Mutant(
        "diagnosis_has_its_own_tolerance",
        "One truth about signatures: `penstock verify` calls a time too old that the ingress accepts.",
        "console/signature/diagnosis.py",
        "timestamp_refusal(text, case.now, scheme.tolerance_s)",
        "timestamp_refusal(text, case.now)",
        (f"{SCHEMES}::test_another_tolerance_is_explained",),
    ),
)
