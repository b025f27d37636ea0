"""Verdicts that the simulator cannot bring about."""

from typing import Any

import pytest

from tests.doctor.test_answer import DONE, FINISH, answered, chunk
from tokenweir.doctor import judge_request as judge
from tokenweir.doctor.answer import Answer
from tokenweir.doctor.hearing import Heard
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.protocols.payload import as_raw

OK = Heard(status=200, head=0.0)
SAID = answered(chunk("Hi"), FINISH, DONE)
NOTHING = answered()


def refused(status: int, kind: Any) -> Heard:
    """An answer with a status and a failure of a kind."""
    return Heard(status=status, failure=Failure(kind, "no"))


def called(arguments: str, finish: str = "tool_calls") -> Answer:
    """An answer with one whole tool call."""
    call = {"index": 0, "id": "c", "function": {"name": "get_weather", "arguments": arguments}}
    delta: dict[str, Any] = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    last: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    return answered(*(b"data: " + bytes(as_raw(value)) + b"\n\n" for value in (delta, last)), DONE)


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        (refused(404, "model_not_found"), "ok"),
        (refused(400, "model_not_found"), "ok"),
        (refused(400, "bad_request"), "odd"),
        (refused(500, "upstream"), "odd"),
        (refused(200, "model_not_found"), "odd"),
        (Heard(failure=Failure("truncated", "gone"), ended="broken"), "bad"),
        (Heard(ended="late"), "bad"),
        (OK, "bad"),
    ],
)
def test_a_wrong_model(heard: Heard, verdict: str) -> None:
    """A refusal in the right words, or what comes in its place."""
    assert judge.wrong_model(NOTHING, heard).verdict == verdict


def test_a_wrong_parameter_that_nobody_minds() -> None:
    """It is answered: nobody checks."""
    assert judge.wrong_parameter(SAID, OK).verdict == "odd"
    assert judge.wrong_parameter(NOTHING, refused(422, "bad_request")).verdict == "ok"


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        (called('{"city": "Paris"}'), "ok", "one piece"),
        (called('{"city": '), "bad", "no JSON"),
        (called("{}", "stop"), "odd", '"stop"'),
        (answered(chunk("<tool_call>get_weather</tool_call>"), FINISH), "odd", "in the text"),
        (SAID, "unknown", "no call"),
    ],
)
def test_tools(answer: Answer, verdict: str, said: str) -> None:
    """What a call looks like."""
    found = judge.tools(answer, OK)

    assert (found.verdict, said in found.said) == (verdict, True)


def test_tools_that_are_refused() -> None:
    """A model without tools is no fault of the backend's."""
    assert judge.tools(NOTHING, refused(400, "bad_request")).verdict == "unknown"


def test_one_shot() -> None:
    """One JSON object, a stream all the same, or nothing whole."""
    streamed = Heard(status=200, body=b"data: ...")

    assert judge.one_shot(SAID, Heard(status=200, body=b'{"choices"')).verdict == "ok"
    assert judge.one_shot(SAID, streamed).verdict == "odd"
    assert judge.one_shot(NOTHING, OK).verdict == "bad"
    assert judge.one_shot(NOTHING, refused(500, "upstream")).verdict == "bad"


def test_speed_without_figures() -> None:
    """Without usage, characters are what can be told."""
    slow = answered(*map(chunk, ("one", " two", " three")), FINISH, DONE)

    assert "characters/s" in judge.speed(slow).said
    assert judge.speed(NOTHING).verdict == "unknown"


def test_a_late_answer() -> None:
    """Late is so many times later than usual, and some time besides."""
    usual, late = Answer("openai-chat"), Answer("openai-chat")
    usual.content, late.content = 0.1, 5.0
    left = Heard(status=200, ended="left")

    assert judge.cancel(left, late, Heard(seconds=6.0), usual).verdict == "bad"
    assert judge.cancel(left, NOTHING, Heard(seconds=6.0), usual).verdict == "bad"
    assert judge.cancel(left, usual, OK, usual).verdict == "ok"
    assert judge.cancel(OK, usual, OK, usual).verdict == "unknown"
    assert judge.load(NOTHING, usual, 0, 0.0).verdict == "unknown"
    assert not judge.is_late(late, NOTHING)
