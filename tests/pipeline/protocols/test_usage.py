"""Token figures are merged field by field, whatever a backend calls them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.events import Usage
from tokenweir.pipeline.protocols.usage import read_usage, unread_usage

SPELLINGS: dict[str, tuple[dict[str, Any], Usage]] = {
    "OpenAI chat": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 3, "accepted_prediction_tokens": 0},
        },
        Usage(9, 5, 14, 3, 4),
    ),
    "OpenAI Responses": (
        {
            "input_tokens": 9,
            "output_tokens": 5,
            "total_tokens": 14,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens_details": {"reasoning_tokens": 3},
        },
        Usage(9, 5, 14, 3, 4),
    ),
    "DeepSeek": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "prompt_cache_hit_tokens": 4,
            "prompt_cache_miss_tokens": 5,
        },
        Usage(9, 5, cached=4),
    ),
    "vLLM": (
        {"prompt_tokens": 9, "total_tokens": 14, "completion_tokens": 5, "prompt_tokens_details": None},
        Usage(9, 5, 14),
    ),
    "Anthropic": (
        {
            "input_tokens": 9,
            "output_tokens": 5,
            "cache_read_input_tokens": 4,
            "output_tokens_details": {"thinking_tokens": 3},
        },
        Usage(9, 5, reasoning=3, cached=4),
    ),
    "Moonshot": ({"prompt_tokens": 9, "completion_tokens": 5, "cached_tokens": 4}, Usage(9, 5, cached=4)),
    "zero": ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(0, 0)),
    "huge": ({"completion_tokens": 10**30}, Usage(output=10**30)),
}


@pytest.mark.parametrize(("found", "usage"), SPELLINGS.values(), ids=SPELLINGS)
def test_spellings(found: dict[str, Any], usage: Usage) -> None:
    """PROTOCOLS 2.1: every spelling gives the same figures; the backend counted them."""
    assert read_usage(found, None) == usage
    assert usage.source == "backend"


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"prompt_tokens": None},
        {"prompt_tokens": -1},
        {"prompt_tokens": 1.5},
        {"prompt_tokens": "9"},
        {"prompt_tokens": True},
        {"prompt_tokens_details": [1], "other": 5},
        {"completion_tokens_details": {"reasoning_tokens": -3}},
    ],
)
def test_figures_that_are_none(found: dict[str, Any]) -> None:
    """V21: what is missing, negative or no whole number says nothing, and takes nothing away."""
    assert read_usage(found, None) is None
    assert read_usage(found, Usage(1, 2)) is None


def test_the_last_figure_wins() -> None:
    """PROTOCOLS 2.2: later figures replace earlier ones field by field; the same ones are no news."""
    before = Usage(9, 1, 10, 1)
    after = read_usage({"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}, before)

    assert after == Usage(9, 5, 14, 1)
    assert read_usage({"completion_tokens": 5}, after) is None


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ({}, {}),
        ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cached_tokens": 4}, {}),
        ({"input_tokens": 1, "output_tokens_details": {"reasoning_tokens": 2}}, {}),
        (
            {"cost": 0.5, "is_byok": False, "queue_time": 0, "service_tier": "x"},
            {"cost": 0.5, "service_tier": "x"},
        ),
        (
            {"prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 2, "image_tokens": 0}},
            {"prompt_tokens_details": {"audio_tokens": 2}},
        ),
        ({"prompt_tokens_details": [1], "completion_tokens_details": None}, {"prompt_tokens_details": [1]}),
        ({"cost": {"total": 0, "inner": {"a": None}}, "more": {"a": {"b": 1}}}, {"more": {"a": {"b": 1}}}),
    ],
)
def test_what_is_left(found: dict[str, Any], left: dict[str, Any]) -> None:
    """DESIGN 3: figures that no field of `Usage` has are left, but for zeros and empty places."""
    assert unread_usage(found) == left


@given(
    st.dictionaries(
        st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details"]),
        st.integers() | st.none(),
    )
)
def test_merging_loses_nothing(found: dict[str, Any]) -> None:
    """V21: a figure that is there stays or is replaced by another figure."""
    after = read_usage(found, Usage(1, 2, 3, 4, 5)) or Usage(1, 2, 3, 4, 5)

    assert None not in (after.input, after.output, after.total, after.reasoning, after.cached)
    assert min(after.input or 0, after.output or 0, after.total or 0) >= 0
