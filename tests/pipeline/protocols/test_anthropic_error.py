"""A failure in the Messages API's error form."""

from typing import get_args

import pytest

from tokenweir.pipeline.events import Failure, FailureKind
from tokenweir.pipeline.protocols.anthropic_error import TYPE_OF, error_body
from tokenweir.pipeline.protocols.failures import failure_from

MESSAGES = (
    "It failed.",
    "The model has crashed.",
    "Overloaded",
    "The context length is exceeded.",
    "model 'm' not found",
    "",
)


@pytest.mark.parametrize("kind", get_args(FailureKind))
@pytest.mark.parametrize("message", MESSAGES)
def test_every_kind_can_be_read_again(kind: FailureKind, message: str) -> None:
    """Whatever the words beside it would be taken for; the message is never empty."""
    body = error_body(Failure(kind, message))
    found = failure_from({"type": "error", "error": body})

    assert isinstance(body["type"], str)
    assert found.kind == kind
    assert found.message == (message or kind)


def test_the_api_s_own_words_where_it_has_one() -> None:
    """PROTOCOLS 6: clients switch on them."""
    plain = {kind: error_body(Failure(kind, "It failed."))["type"] for kind in get_args(FailureKind)}
    long = error_body(Failure("context_length", "prompt is too long: 9 tokens > 8 maximum"))

    assert {kind: plain[kind] for kind in TYPE_OF} == {**TYPE_OF, "context_length": "context_length"}
    assert plain["truncated"] == "truncated"
    assert long["type"] == "invalid_request_error"
