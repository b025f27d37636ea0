"""The faults of a stream: frames in, frames out, spoiled.

Law of this file: pure; one small function for each fault, and one table from name to function.
Faults that answer with no stream at all stand in refusals.py.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from tokenweir.pipeline.events import Done, Failure, Finish
from tokenweir.pipeline.protocols.ollama_encode import error_line
from tokenweir.pipeline.protocols.openai_chat_encode import DONE
from tokenweir.simulator.frames import Chunks, Ending, Frame, sse
from tokenweir.simulator.quirks import Quirks

LONG_LINE = 50_000_000
"""Bytes of text in the one line of `long-line`."""

NOT_UTF8 = b"caf\xe9 \xc0\xaf \xf0\x9f\x98 \xff"
"""Latin-1, an overlong form, a character without its end, and a byte that UTF-8 never has."""

HALVES = (rb"\ud83d", rb"\ude00", rb"\ud83d")
"""A surrogate pair as two chunks, then half of one."""

CRASH = "The model has crashed without additional information. (Exit code: 6)"
"""What LM Studio says when its engine is gone (PROTOCOLS section 9)."""

RUNNER_STOPPED = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, "
    "check ollama server logs for details"
)
"""What Ollama says then."""

ENDINGS: Mapping[str, Ending] = {"cut": "fin", "reset": "rst", "stall": "stall"}
"""How the body ends under a fault; every other fault ends it as HTTP asks."""

_PIECE = 1 << 20

Found = Iterable[Frame]
Fault = Callable[[Found, Quirks, Chunks], Iterator[Frame]]


def spoil(found: Found, quirks: Quirks, chunks: Chunks) -> Iterator[Frame]:
    """The frames as `quirks.fault` leaves them; as they are for no fault, or one of another kind."""
    fault = STREAM_FAULTS.get(quirks.fault or "")
    return iter(found) if fault is None else fault(found, quirks, chunks)


def _marked(found: Found, after: int) -> Iterator[tuple[Frame, bool]]:
    """Each frame, and whether the fault strikes just before it: once, when `after` tokens have been
    written, or before the finish where there are no more."""
    seen, struck = 0, False
    for frame in found:
        strikes = not struck and (isinstance(frame.event, Finish | Done) or (frame.token and seen >= after))
        struck |= strikes
        seen += frame.token
        yield frame, strikes


def _error(found: Found, quirks: Quirks, _chunks: Chunks) -> Iterator[Frame]:
    for frame, strikes in _marked(found, quirks.fault_after):
        if strikes:
            yield Frame(frame.at, _error_frame(quirks))
            if quirks.provider != "ollama":
                yield Frame(frame.at, DONE)
            return
        yield frame


def _error_frame(quirks: Quirks) -> bytes:
    if quirks.provider == "ollama":
        return error_line(Failure("model_crashed", RUNNER_STOPPED))
    if quirks.provider == "lmstudio":
        return b"event: error\n" + sse({"error": {"message": CRASH}, "message": CRASH})
    message = "The simulated backend failed in the middle of its answer."
    return sse({"error": {"message": message, "type": "server_error", "param": None, "code": None}})


def _cut(found: Found, quirks: Quirks, _chunks: Chunks) -> Iterator[Frame]:
    for frame, strikes in _marked(found, quirks.fault_after):
        if strikes:
            yield Frame(frame.at, frame.data[: len(frame.data) // 2])
            return
        yield frame


def _stop(found: Found, quirks: Quirks, _chunks: Chunks) -> Iterator[Frame]:
    for frame, strikes in _marked(found, quirks.fault_after):
        if strikes:
            return
        yield frame


def _insert(make: Callable[[Chunks], Iterable[bytes]]) -> Fault:
    """A fault that puts frames in the middle and lets the answer go on."""

    def fault(found: Found, quirks: Quirks, chunks: Chunks) -> Iterator[Frame]:
        for frame, strikes in _marked(found, quirks.fault_after):
            if strikes:
                for data in make(chunks):
                    yield Frame(frame.at, data)
            yield frame

    return fault


def _invalid_utf8(chunks: Chunks) -> Iterable[bytes]:
    return [chunks.raw(NOT_UTF8)]


def _half_surrogate(chunks: Chunks) -> Iterable[bytes]:
    return [chunks.raw(half) for half in HALVES]


def _list(chunks: Chunks) -> Iterable[bytes]:
    return [chunks.frame([chunks.chunk("in a list")])]


def _long_line(chunks: Chunks) -> Iterator[bytes]:
    """In pieces, so that a reader that stops is noticed before the whole line is in memory."""
    head, tail = chunks.raw(b"\0").split(b"\0")
    yield head
    left = LONG_LINE
    while left > 0:
        yield b"x" * min(left, _PIECE)
        left -= _PIECE
    yield tail


def _without_finish(found: Found, _quirks: Quirks, _chunks: Chunks) -> Iterator[Frame]:
    return (frame for frame in found if not isinstance(frame.event, Finish))


def _without_done(found: Found, _quirks: Quirks, _chunks: Chunks) -> Iterator[Frame]:
    for frame in found:
        if not isinstance(frame.event, Done):
            yield frame
        elif frame.data != DONE:
            yield Frame(frame.at, frame.data.removesuffix(DONE))


def _without_end(found: Found, quirks: Quirks, chunks: Chunks) -> Iterator[Frame]:
    """Ollama's own last line is both: it goes whole."""
    for frame in _without_finish(found, quirks, chunks):
        if not isinstance(frame.event, Done):
            yield frame
        elif frame.data.endswith(DONE) and frame.data != DONE:
            yield Frame(frame.at, frame.data.removesuffix(DONE))


def _empty(_found: Found, _quirks: Quirks, _chunks: Chunks) -> Iterator[Frame]:
    return iter(())


def _empty_choices(found: Found, _quirks: Quirks, chunks: Chunks) -> Iterator[Frame]:
    padding = chunks.frame({**chunks.chunk(""), "choices": ()})
    for frame in found:
        yield frame
        if frame.token:
            yield Frame(frame.at, padding)


def _text_after_end(found: Found, _quirks: Quirks, chunks: Chunks) -> Iterator[Frame]:
    for frame in found:
        yield frame
        if isinstance(frame.event, Done):
            yield Frame(frame.at, chunks.frame(chunks.chunk(" after the end")))


def _crlf(found: Found, _quirks: Quirks, _chunks: Chunks) -> Iterator[Frame]:
    return (msgspec.structs.replace(frame, data=frame.data.replace(b"\n", b"\r\n")) for frame in found)


STREAM_FAULTS: Mapping[str, Fault] = {
    "error": _error,
    "cut": _cut,
    "reset": _stop,
    "stall": _stop,
    "no-done": _without_done,
    "no-finish": _without_finish,
    "no-end": _without_end,
    "invalid-utf8": _insert(_invalid_utf8),
    "half-surrogate": _insert(_half_surrogate),
    "long-line": _insert(_long_line),
    "empty": _empty,
    "empty-choices": _empty_choices,
    "list": _insert(_list),
    "text-after-end": _text_after_end,
    "crlf": _crlf,
}
