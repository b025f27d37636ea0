"""Where the frames of a recorded body stand, which of them is the end marker, and what an error looks like.

Law of this file: pure; what a replay must know of each wire to spoil it. What a frame means to a reader
is the decoders' affair.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from tokenweir.pipeline.json_value import as_object
from tokenweir.stages.decode_protocol import FRAMING

MESSAGE = "The replayed backend failed in the middle of its answer."

_SSE_END = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_LINE_END = re.compile(rb"\n")

_DONE = b"[DONE]"
_LAST: Mapping[str, tuple[str, tuple[str | bool, ...]]] = {
    "anthropic": ("type", ("message_stop",)),
    "llamacpp-completion": ("stop", (True,)),
    "lmstudio-native": ("type", ("success",)),
    "lmstudio-v1": ("type", ("chat.end",)),
    "ollama-chat": ("done", (True,)),
    "ollama-generate": ("done", (True,)),
    "openai-responses": ("type", ("response.completed", "response.failed", "response.incomplete")),
}
"""Protocol -> the field, and its values, that say in a payload that it is the last one."""


def _sse(fields: Mapping[str, object], event: str | None = None) -> bytes:
    name = b"" if event is None else b"event: " + event.encode() + b"\n"
    return name + b"data: " + msgspec.json.encode(fields) + b"\n\n"


_SERVER_ERROR = {"message": MESSAGE, "type": "server_error", "param": None, "code": None}
_OPENAI = _sse({"error": _SERVER_ERROR}) + b"data: [DONE]\n\n"
_OLLAMA = msgspec.json.encode({"error": MESSAGE}) + b"\n"

ERRORS: Mapping[str, bytes] = {
    "anthropic": _sse({"type": "error", "error": {"type": "api_error", "message": MESSAGE}}, "error"),
    "gemini-sse": _sse({"error": {"code": 500, "message": MESSAGE, "status": "INTERNAL"}}),
    "llamacpp-completion": _sse({"error": {"code": 500, "message": MESSAGE, "type": "server_error"}}),
    "lmstudio-native": msgspec.json.encode(
        {"type": "channelError", "channelId": 2, "error": {"title": MESSAGE}}
    )
    + b"\n",
    "lmstudio-v1": _sse({"type": "error", "error": {"type": "internal_error", "message": MESSAGE}}, "error"),
    "ollama-chat": _OLLAMA,
    "ollama-generate": _OLLAMA,
    "openai-chat": _OPENAI,
    "openai-completions": _OPENAI,
    "openai-responses": _sse(
        {"type": "error", "code": "server_error", "message": MESSAGE, "param": None, "sequence_number": 0},
        "error",
    ),
}
"""Protocol -> how it says in the middle of an answer that it failed (PROTOCOLS section 9)."""


def frames_of(body: bytes, protocol: str) -> Iterator[tuple[int, int]]:
    r"""Where each frame begins and ends; what stands behind the last frame's end is a frame too.

    >>> list(frames_of(b"data: 1\n\ndata: 2", "openai-chat"))
    [(0, 9), (9, 16)]
    """
    begin = 0
    for end in (_LINE_END if FRAMING[protocol] == "ndjson" else _SSE_END).finditer(body):
        yield begin, end.end()
        begin = end.end()
    if begin < len(body):
        yield begin, len(body)


def is_end_marker(frame: bytes, protocol: str) -> bool:
    r"""Whether a frame is the backend's last word. Where that has the finish in it too, both go.

    >>> is_end_marker(b"data: [DONE]\n\n", "openai-chat")
    True
    """
    return any(_is_last(payload, protocol) for payload in _payloads(frame, protocol))


def _payloads(frame: bytes, protocol: str) -> Iterator[bytes]:
    if FRAMING[protocol] == "ndjson":
        yield frame
        return
    for line in frame.splitlines():
        if line.startswith(b"data:"):
            yield line.removeprefix(b"data:").strip()


def _is_last(payload: bytes, protocol: str) -> bool:
    if payload == _DONE:
        return True
    field, values = _LAST.get(protocol, ("", ()))
    try:
        said: Mapping[str, object] = msgspec.json.decode(payload, type=dict[str, object]) if values else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if protocol == "lmstudio-native":
        said = as_object(said.get("message"))
    return said.get(field) in values
