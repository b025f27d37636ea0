"""The frames of stored prompts."""

import msgspec
import pytest

from tokenweir.gateway.form import Named
from tokenweir.gateway.prompt_encode import PromptEncode
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import (
    Delta,
    End,
    Event,
    Extra,
    Failure,
    Finish,
    Phase,
    Revise,
    Start,
    Usage,
)

NAMED = Named("r1", "m", 0)


def frames(*batches: list[Event]) -> list[dict[str, object]]:
    """What was written, as JSON; each frame is one line and an empty one."""
    encode = PromptEncode(28, NAMED)
    written = b"".join(frame for batch in batches for frame in encode.feed(batch)).decode()
    told = written.split("\n\n")
    assert told.pop() == ""
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in told)
    return [msgspec.json.decode(frame[6:]) for frame in told]


def test_start_comes_with_the_first_batch_and_once() -> None:
    """Whatever that holds."""
    assert frames([], [Phase("connecting")]) == [
        {"type": "start", "promptId": 28, "modelId": "m", "requestId": "r1"},
        {"type": "phase", "name": "connecting", "progress": None, "elapsed": None},
    ]


def test_a_whole_answer() -> None:
    """Text and reasoning by their own types; the end has the figures, and the model that answered."""
    told = frames(
        [Phase("loading", 0.5, None, 3.0)],
        [Start(model="m-1"), Delta("Hm", "reasoning"), Delta('"a"\n'), Extra("logprobs", msgspec.Raw(b"1"))],
        [Usage(3, 5), Finish("length"), End("complete"), Delta("late")],
    )

    assert told[1:] == [
        {"type": "phase", "name": "loading", "progress": 0.5, "elapsed": 3.0},
        {"type": "reasoning", "content": "Hm"},
        {"type": "token", "content": '"a"\n'},
        {
            "type": "end",
            "outcome": "complete",
            "modelId": "m-1",
            "finish": "length",
            "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8, "source": "backend"},
            "error": None,
        },
    ]


def test_a_broken_answer_ends_with_its_error() -> None:
    """P2: the outcome says so, in the error's usual form."""
    end = frames([Delta("Hi"), End("truncated", Failure("truncated", "it stopped"))])[-1]

    assert (end["type"], end["outcome"], end["finish"], end["usage"]) == ("end", "truncated", None, None)
    assert end["error"] == {
        "message": "it stopped",
        "type": "server_error",
        "param": None,
        "code": "truncated",
    }


def test_text_cannot_be_taken_back() -> None:
    """Whoever streams has to put append_only() before."""
    with pytest.raises(StageError, match="append_only"):
        PromptEncode("p", NAMED).feed([Revise(0, "x")])
