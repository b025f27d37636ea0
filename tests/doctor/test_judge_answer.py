"""Verdicts on an answer that the simulator cannot bring about."""

from collections.abc import Sequence

import pytest

from tests.doctor.test_answer import DONE, FINISH, WORDS, answered, chunk
from tokenweir.doctor.answer import Answer
from tokenweir.doctor.hearing import Ended, Heard
from tokenweir.doctor.judge_answer import judge_answer
from tokenweir.pipeline.protocols.payload import as_raw

TEXT = [chunk(word) for word in WORDS]


def payload(value: object) -> bytes:
    """A value as one event."""
    return b"data: " + bytes(as_raw(value)) + b"\n\n"


def thinking(field: str) -> bytes:
    """A chunk of reasoning under a name."""
    return payload({"choices": [{"index": 0, "delta": {field: "hm"}}]})


def verdicts(answer: Answer, ended: Ended = "whole") -> dict[str, tuple[str, str]]:
    """Verdict and words by name."""
    heard = Heard(status=200, ended=ended, seconds=1.0)
    return {found.name: (found.verdict, found.said) for found in judge_answer(answer, heard, "openai-chat")}


WHOLE_MESSAGE = payload(
    {"choices": [{"index": 0, "delta": {}, "message": {"content": "".join(WORDS)}, "finish_reason": "stop"}]}
)
USAGE = payload({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 6, "total_tokens": 9}})


@pytest.mark.parametrize(
    ("pieces", "name", "expected"),
    [
        ([*TEXT, FINISH, USAGE, DONE], "usage", ("ok", "3 in, 6 out")),
        ([*TEXT, FINISH, DONE], "usage", ("odd", "none, though it was asked for")),
        ([thinking("reasoning"), *TEXT, FINISH, DONE], "reasoning", ("ok", "in reasoning")),
        ([chunk("<think>hm</think>"), *TEXT, FINISH], "reasoning", ("odd", "between tags in the text")),
        ([chunk("all of it"), FINISH, DONE], "text", ("odd", "everything in one piece")),
        ([chunk("half"), chunk(" of it")], "text", ("unknown", "too few chunks to tell: 2")),
        ([*TEXT, WHOLE_MESSAGE, DONE], "repeat", ("odd", "the last chunk's `message` repeats everything")),
        (
            [*TEXT, FINISH.replace(b"stop", b"tired"), DONE],
            "finish",
            ("odd", "'tired'"),
        ),
        ([FINISH, DONE], "answer", ("bad", "a whole answer without any text")),
    ],
)
def test_one_line(pieces: Sequence[bytes], name: str, expected: tuple[str, str]) -> None:
    """What was on the wire, and the line about it."""
    assert verdicts(answered(*pieces))[name] == expected


def test_some_channels_resend_and_some_do_not() -> None:
    """PROTOCOLS 8.2, case 5."""
    resent = [chunk("".join(WORDS[: n + 1])) for n in range(6)]
    hums = [payload({"choices": [{"index": 0, "delta": {"reasoning": word}}]}) for word in WORDS]
    told = verdicts(answered(*resent, *hums, FINISH, DONE))

    assert told["text"][0] == "odd"
    assert told["text"][1].startswith("some channels are deltas")


def test_long_silence() -> None:
    """Without a sign of life, it is worth a word."""
    answer = answered(b"", b"", b"", *TEXT, FINISH, DONE)

    assert verdicts(answer)["keep-alives"][0] == "odd"


def test_a_body_that_stays_open() -> None:
    """After the last word."""
    assert verdicts(answered(*TEXT, FINISH, DONE), "open")["after the end"][0] == "odd"


def test_no_text_at_all() -> None:
    """One line, and no other."""
    assert verdicts(answered(), "late") == {"answer": ("bad", "no text within 1.00 s")}
