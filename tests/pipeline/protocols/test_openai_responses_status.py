"""The response around the output."""

import json
from typing import Any

import pytest

from tokenweir.pipeline.events import Event, Extra, Finish, FinishReason, Start, Usage
from tokenweir.pipeline.protocols.openai_responses_status import Status, ended


@pytest.mark.parametrize(
    ("created", "told"), [(5, 5), (5.9, 5), (0, None), ("5", None), (-1, None), (None, None)]
)
def test_who_answers(created: object, told: int | None) -> None:
    """Once; some write their seconds as a fraction."""
    status, out = Status("p"), list[Event]()
    for name in ("r", "other"):
        status.start({"id": name, "model": 7, "created_at": created}, out)

    assert out == [Start("r", "p", None, told)]


def test_what_stands_around() -> None:
    """The figures, what they do not model, and fields that are news, each once a value; what repeats
    the request is none."""
    status, out = Status(None), list[Event]()
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "cost": 0.5}
    response: dict[str, Any] = {
        "usage": usage,
        "tools": [],
        "temperature": 1,
        "moderation": {"flagged": False},
    }
    status.around(response, out)
    status.around(response, out)
    extras = [(event.kind, json.loads(bytes(event.data))) for event in out if isinstance(event, Extra)]

    assert out[0] == Usage(1, 2, 3)
    assert extras == [("usage", {"cost": 0.5}), ("moderation", {"flagged": False})]
    assert len(out) == 3


def test_how_it_ended() -> None:
    """Calls to run are the reason, where it is complete; an error is a failure, whatever the status."""
    out: list[Event] = []
    assert ended("completed", {}, out, calls=0) is None
    assert ended("completed", {"error": {"code": None, "message": ""}}, out, calls=2) is None
    assert ended("incomplete", {}, out, calls=2) is None
    failure = ended("completed", {"error": {"code": "server_error", "message": "Broken."}}, out, calls=0)

    assert failure is not None
    assert (failure.message, failure.code) == ("Broken.", "server_error")
    assert out == [
        Finish("stop", "completed"),
        Finish("tool_calls", "completed"),
        Finish("other", "incomplete"),
        Finish("other", "failed"),
    ]


def test_a_response_that_was_cancelled() -> None:
    """It says so, and nothing of why."""
    out: list[Event] = []
    failure = ended("cancelled", {}, out, calls=0)

    assert failure is not None
    assert "cancelled" in failure.message
    assert out == [Finish("other", "cancelled")]


def test_the_model_that_answers() -> None:
    """DESIGN 5: by the name that the response gives it."""
    out: list[Event] = []
    Status("p").start({"id": "r", "model": "m"}, out)

    assert out == [Start("r", "p", "m")]


def test_items_that_are_no_items() -> None:
    """V12: they are kept, and say nothing."""
    out: list[Event] = []
    Status(None).around({"output": [{"type": "message"}, 7, None, {}, "x"]}, out)

    (extra,) = out
    assert isinstance(extra, Extra)
    assert (extra.kind, json.loads(bytes(extra.data))) == ("output", [7, "x"])


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("max_output_tokens", "length"),
        ("max_tokens", "length"),
        ("content_filter", "content_filter"),
        ("new", "other"),
        (7, "other"),
    ],
)
def test_why_it_is_incomplete(why: object, reason: FinishReason) -> None:
    """V22: mapped, with the native word kept beside the finish."""
    out: list[Event] = []
    assert ended("incomplete", {"incomplete_details": {"reason": why}}, out, calls=2) is None
    extra, finish = out

    assert isinstance(extra, Extra)
    assert (extra.kind, extra.index) == ("incomplete_details", 0)
    assert json.loads(bytes(extra.data)) == {"reason": why}
    assert finish == Finish(reason, "incomplete")
