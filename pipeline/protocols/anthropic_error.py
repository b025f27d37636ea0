"""anthropic, writing: a failure in the API's error form.

Law of this file: pure; the API's own word for each kind of failure that it has one for (PROTOCOLS
section 6). Any other kind is its own word, so that it can be read again as what it was.
"""

from collections.abc import Mapping

from tokenweir.pipeline.events import Failure, FailureKind
from tokenweir.pipeline.protocols.failures import failure_from

TYPE_OF: Mapping[FailureKind, str] = {
    "auth": "authentication_error",
    "bad_request": "invalid_request_error",
    "context_length": "invalid_request_error",
    "model_not_found": "not_found_error",
    "overloaded": "overloaded_error",
    "rate_limited": "rate_limit_error",
    "upstream": "api_error",
}
"""Failure kind -> the type of its error, where the words beside it do not say something else."""


def error_body(failure: Failure) -> dict[str, str]:
    """What stands under `error`; `message` is never empty, since clients show it.

    >>> error_body(Failure("overloaded", "Overloaded"))
    {'type': 'overloaded_error', 'message': 'Overloaded'}
    """
    message = failure.message or failure.kind
    made = {"type": TYPE_OF.get(failure.kind, failure.kind), "message": message}
    if failure_from(made).kind != failure.kind:
        made["type"] = failure.kind
    return made
