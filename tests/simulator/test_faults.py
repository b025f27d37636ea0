"""The faults of a stream, as lists of frames."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.simulator.raw import PROMPT
from tokenweir.pipeline.protocols.openai_chat_encode import DONE, OpenAIChatEncode
from tokenweir.simulator.answer import Answer
from tokenweir.simulator.ask import Ask
from tokenweir.simulator.faults import CRASH, ENDINGS, HALVES, LONG_LINE, NOT_UTF8, STREAM_FAULTS, spoil
from tokenweir.simulator.frames import Chunks, Frame, frames
from tokenweir.simulator.quirks import FAULTS, Quirks
from tokenweir.simulator.refusals import WITHOUT_STREAM
from tokenweir.simulator.text import script_of

FIVE = script_of("a b c d e")


def play(fault: str | None, after: int = 2, **switches: Any) -> list[Frame]:
    """The frames of an answer of five tokens and figures, under a fault."""
    quirks = Quirks(script=FIVE, fault=fault, fault_after=after, **switches)
    answer = Answer(msgspec.convert({"messages": PROMPT}, Ask), quirks, "i", "m")
    return list(spoil(frames(answer.steps(), OpenAIChatEncode(include_usage=True)), quirks, Chunks("i", "m")))


def written(found: list[Frame]) -> list[bytes]:
    """The bytes of the frames."""
    return [frame.data for frame in found]


WHOLE = written(play(None))
TOKENS = WHOLE[:5]
FINISH, END = WHOLE[5:]


def test_every_fault_is_done_somewhere() -> None:
    """A name in FAULTS that nothing does would be a switch without a lamp."""
    assert STREAM_FAULTS.keys() | WITHOUT_STREAM == FAULTS.keys()
    assert STREAM_FAULTS.keys() & WITHOUT_STREAM == set()
    assert ENDINGS.keys() <= STREAM_FAULTS.keys()


@pytest.mark.parametrize("fault", sorted(WITHOUT_STREAM))
def test_other_faults_leave_a_stream_alone(fault: str) -> None:
    """They never come to a stream."""
    assert written(play(fault, load_seconds=1)) == WHOLE


def test_error_ends_the_stream_with_an_error_frame() -> None:
    """V15: the text so far, the error with a string for its message, then [DONE], as vLLM does."""
    *before, error, done = written(play("error"))

    assert before == TOKENS[:2]
    assert msgspec.json.decode(error.removeprefix(b"data: "))["error"]["message"]
    assert done == DONE


def test_lm_studio_names_the_event_of_its_error() -> None:
    """PROTOCOLS 1.2: `event: error`, and the message beside the error too."""
    error = written(play("error", provider="lmstudio"))[-2]
    name, data = error.removesuffix(b"\n\n").split(b"\n")

    assert name == b"event: error"
    assert msgspec.json.decode(data[6:]) == {"error": {"message": CRASH}, "message": CRASH}


def test_cut_ends_in_the_middle_of_a_frame() -> None:
    """U07: half of the third token's frame, and no more."""
    *before, half = written(play("cut"))

    assert before == TOKENS[:2]
    assert half == TOKENS[2][: len(TOKENS[2]) // 2]


@pytest.mark.parametrize("fault", ["reset", "stall"])
def test_reset_and_stall_end_between_frames(fault: str) -> None:
    """U06, U08: two whole tokens, then what the ending does."""
    assert written(play(fault)) == TOKENS[:2]
    assert ENDINGS[fault] == {"reset": "rst", "stall": "stall"}[fault]


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("no-done", [*TOKENS, FINISH, END.removesuffix(DONE)]),
        ("no-finish", [*TOKENS, END]),
        ("no-end", [*TOKENS, END.removesuffix(DONE)]),
        ("empty", []),
        ("crlf", [data.replace(b"\n", b"\r\n") for data in WHOLE]),
    ],
)
def test_what_is_left_out_or_rewritten(fault: str, left: list[bytes]) -> None:
    """V17, V02, P2: the end markers are two, and each can be missing; the figures stay."""
    assert END.endswith(DONE)
    assert written(play(fault)) == left


def test_no_done_without_figures_writes_nothing_at_the_end() -> None:
    """An end frame that held [DONE] alone is gone, not an empty write."""
    quirks = Quirks(script=FIVE, fault="no-done")
    answer = Answer(msgspec.convert({"messages": PROMPT}, Ask), quirks, "i", "m")
    made = spoil(frames(answer.steps(), OpenAIChatEncode()), quirks, Chunks("i", "m"))

    assert written(list(made)) == [*TOKENS, FINISH]


def holds(data: bytes) -> Callable[[bytes], bool]:
    """Whether a frame has these bytes."""
    return lambda frame: data in frame


@pytest.mark.parametrize(
    ("fault", "extra"),
    [
        ("invalid-utf8", [holds(b'"content":"' + NOT_UTF8 + b'"')]),
        ("half-surrogate", [holds(b'"content":"' + half + b'"') for half in HALVES]),
        ("list", [holds(b"data: [{")]),
    ],
)
def test_what_is_put_in_the_middle(fault: str, extra: list[Callable[[bytes], bool]]) -> None:
    """V08, V09, V10: after two tokens, and the answer goes on to its end."""
    made = written(play(fault))
    inside = made[2 : 2 + len(extra)]

    assert made[:2] + made[2 + len(extra) :] == WHOLE
    assert [fits(frame) for fits, frame in zip(extra, inside, strict=True)] == [True] * len(extra)


def test_the_bytes_that_are_not_utf8_are_not() -> None:
    """V08: each of its four words is broken in its own way."""
    for word in NOT_UTF8.split(b" "):
        with pytest.raises(UnicodeDecodeError):
            word.decode()


def test_long_line_is_one_line() -> None:
    """V05: 50 MB of text without a line end, in pieces, inside one whole JSON frame."""
    made = written(play("long-line"))
    pieces = made[2:-5]
    line = b"".join(pieces)

    assert made[:2] + made[-5:] == WHOLE
    assert max(map(len, pieces)) == 1 << 20
    assert len(line) > LONG_LINE
    assert line.index(b"\n") == len(line) - 2
    assert msgspec.json.decode(line[6:])["choices"][0]["delta"]["content"] == "x" * LONG_LINE


def test_empty_choices_stand_between_the_tokens() -> None:
    """V12: chunks of the same answer whose `choices` is an empty list."""
    made = written(play("empty-choices"))

    assert made[0:10:2] == TOKENS
    assert {len(msgspec.json.decode(data[6:])["choices"]) for data in made[1:10:2]} == {0}
    assert made[10:] == WHOLE[5:]


def test_text_after_the_end() -> None:
    """V17, U26: a good chunk that must not count."""
    made = written(play("text-after-end"))

    assert made[:-1] == WHOLE
    assert b'"content":" after the end"' in made[-1]


@pytest.mark.parametrize("after", [5, 99])
def test_a_short_answer_is_struck_before_its_finish(after: int) -> None:
    """A fault that was asked for always comes."""
    assert written(play("stall", after)) == TOKENS


def test_a_fault_may_come_before_the_first_token() -> None:
    """V16: the error is the first frame."""
    assert written(play("stall", 0)) == []
    assert len(written(play("error", 0))) == 2


def test_a_final_repeat_is_no_token() -> None:
    """It comes before the fault that waits for a finish, so `fault_after` counts tokens alone."""
    made = written(play("stall", 5, final_repeat=True))

    assert made[:5] == TOKENS
    assert b'"content":"a b c d e"' in made[5]
