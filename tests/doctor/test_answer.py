"""An answer taken apart: what the wire had, beside what tokenweir makes of it."""

import pytest

from tokenweir.doctor.answer import Answer
from tokenweir.pipeline.protocols.payload import as_raw

WORDS = ["one", " two", " three", " four", " five", " six"]


def chunk(text: str) -> bytes:
    """One chunk of openai-chat."""
    return b"data: " + bytes(as_raw({"choices": [{"index": 0, "delta": {"content": text}}]})) + b"\n\n"


FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def answered(*pieces: bytes) -> Answer:
    """An answer whose pieces came a second apart."""
    answer = Answer("openai-chat")
    for at, piece in enumerate(pieces):
        answer.feed(float(at), piece)
    answer.finish(float(len(pieces)))
    return answer


@pytest.mark.parametrize(
    ("texts", "reading", "repeats"),
    [
        (WORDS, "delta", False),
        (["".join(WORDS[: n + 1]) for n in range(6)], "cumulative", False),
        ([*WORDS, "".join(WORDS)], "delta", True),
        (["ha", "haha"], None, False),
        (["a", "a", "a", "a", "a"], "delta", False),
    ],
)
def test_readings(texts: list[str], reading: str | None, repeats: bool) -> None:  # noqa: FBT001 - a column
    """The reading of a channel, and whether its last chunk says all of it again."""
    answer = answered(*map(chunk, texts), FINISH, DONE)

    assert (answer.reading("text"), answer.repeats) == (reading, repeats)
    assert answer.ended_by_itself
    assert answer.marked


def test_times_and_what_came_when() -> None:
    """Comments before and after the first content, the end, and what came behind it."""
    answer = answered(b": ping\n\n", chunk("Hi"), b": ping\n\n", FINISH, DONE, chunk("more"))

    assert (answer.content, answer.last, answer.over) == (1.0, 1.0, 4.0)
    assert (answer.before, answer.during, answer.after) == (1, 1, 1)
    assert answer.clean.text() == "Hi"


@pytest.mark.parametrize(
    ("data", "halves", "broken"),
    [
        (rb'{"a":"\ud83d\ude00"}', 0, 0),
        (rb'{"a":"\ud83d"}', 1, 0),
        (rb'{"a":"x\ude00"}', 1, 0),
        (rb'{"a":"\ud7ff\ue000"}', 0, 0),
        (b'{"a":"\xe9"}', 0, 1),
        ('{"a":"\N{GRINNING FACE}"}'.encode(), 0, 0),
    ],
)
def test_what_is_no_text(data: bytes, halves: int, broken: int) -> None:
    """Half a character in JSON's escapes, and bytes that are not UTF-8."""
    answer = answered(b"data: " + data + b"\n\n")

    assert (answer.halves, answer.not_utf8) == (halves, broken)


def test_a_body_that_just_ends() -> None:
    """Whole by its finish; not marked."""
    whole, cut = answered(chunk("Hi"), FINISH), answered(chunk("Hi"))

    assert (whole.ended_by_itself, whole.marked) == (True, False)
    assert cut.done is None
