"""What OpenAI's wires have in common when they are written."""

from typing import get_args

import pytest

from tokenweir.pipeline.events import Done, End, Failure, FinishReason, Usage
from tokenweir.pipeline.protocols.openai_bodies import error_body, failure_of, usage_body, wire_reason

BOOM = Failure("upstream", "boom", code="E1")


def test_every_reason_has_its_word() -> None:
    """PROTOCOLS 10.1: one of those that strict types know."""
    words = {wire_reason(reason) for reason in get_args(FinishReason)}

    assert words == {"stop", "length", "tool_calls", "content_filter"}


@pytest.mark.parametrize(
    ("usage", "numbers"),
    [(Usage(), (0, 0, 0)), (Usage(output=5), (0, 5, 5)), (Usage(3, 4, 9), (3, 4, 9))],
)
def test_usage_in_whole_numbers(usage: Usage, numbers: tuple[int, int, int]) -> None:
    """PROTOCOLS 10.1: strict clients want whole numbers where nothing is known too."""
    assert tuple(usage_body(usage).values()) == numbers


def test_usage_in_detail() -> None:
    """What is known of it."""
    assert usage_body(Usage(1, 2, None, 3, 4)) == {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }


def test_errors() -> None:
    """PROTOCOLS 10.1: the message is a text that is never empty."""
    assert error_body(BOOM) == {"error": {"message": "boom", "type": "upstream", "param": None, "code": "E1"}}
    assert error_body(Failure("timeout", ""))["error"] | {"param": None} == {
        "message": "timeout",
        "type": "timeout",
        "param": None,
        "code": "timeout",
    }


@pytest.mark.parametrize("end", [Done(), End("complete")])
def test_a_clean_end(end: Done | End) -> None:
    """P1: nothing failed."""
    assert failure_of(end) is None


def test_an_end_that_is_not_clean() -> None:
    """P2: with the failure that it tells, or one that says how it ended."""
    cut = failure_of(End("truncated"))

    assert failure_of(End("error", BOOM)) == failure_of(Done(BOOM)) == BOOM
    assert cut is not None
    assert (cut.kind, cut.message) == ("truncated", "the answer ended truncated")
