"""Answers of `/v1/messages` as they go over the wire, written for these tests (PROTOCOLS section 6)."""

import json
from typing import Any

from tests.wire.body import Body, whole_after

END = b"}"
"""What the last payload ends with: behind it the answer is whole."""

USAGE: dict[str, Any] = {"input_tokens": 9, "output_tokens": 1}


def event(kind: str, **fields: Any) -> bytes:
    """One named event."""
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def start(usage: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """The start of a message."""
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        **fields,
    }
    return event(
        "message_start",
        message={**message, "stop_reason": None, "stop_sequence": None, "usage": usage or USAGE},
    )


def opened(index: int, opening: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    """A content block as far as its last delta."""
    pieces = [event("content_block_start", index=index, content_block=opening)]
    pieces += [event("content_block_delta", index=index, delta=delta) for delta in deltas]
    return b"".join(pieces)


def block(index: int, opening: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    """A content block, from its start to its stop."""
    return opened(index, opening, *deltas) + stop(index)


def text(index: int, *pieces: str) -> bytes:
    """A block of text."""
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def thinking(index: int, *pieces: str, signature: str = "c2lnbmVk") -> bytes:
    """A block of thinking, signed."""
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    signed = {"type": "signature_delta", "signature": signature}
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas, signed)


def call(index: int, call_id: str, name: str, *pieces: str, kind: str = "tool_use") -> bytes:
    """A call, its arguments in pieces, not stopped."""
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return opened(index, {"type": kind, "id": call_id, "name": name, "input": {}}, *deltas)


def stop(*indexes: int) -> bytes:
    """The stop of some blocks."""
    return b"".join(event("content_block_stop", index=index) for index in indexes)


def finish(reason: str, usage: dict[str, Any] | None = None, **delta: Any) -> bytes:
    """Why it stops, the figures, and the end."""
    told = {"stop_reason": reason, "stop_sequence": None, **delta}
    return event("message_delta", delta=told, usage=usage or {"output_tokens": 5}) + event("message_stop")


PING = event("ping")

TEXT = start() + PING + text(0, "Hel", "lo", ", there.") + finish("end_turn")
CALLS = (
    start()
    + thinking(0, "I should ", "look.")
    + text(1, "Let me look.")
    + call(2, "toolu_1", "look", "", '{"at": "the ', 'sky", "n": [1, 2]}')
    + stop(2)
    + PING
    + call(3, "toolu_2", "now", "")
    + stop(3)
    + finish("tool_use", {"input_tokens": 30, "output_tokens": 40, "cache_read_input_tokens": 20})
)
OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}
WRONG = {"type": "invalid_request_error", "message": "messages: at least one message is required"}
BROKEN = start() + text(0, "Half of it", " is") + event("error", error=OVERLOADED)
WHOLE = (
    json.dumps(
        {
            "id": "msg_2",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"},
                {"type": "text", "text": "All at once."},
                {"type": "tool_use", "id": "toolu_3", "name": "look", "input": {"at": "the sea"}},
                {"type": "tool_use", "id": "toolu_4", "name": "now", "input": {}},
            ],
            "stop_reason": "tool_use",
            "stop_sequence": None,
            "usage": {
                "input_tokens": 9,
                "output_tokens": 12,
                "output_tokens_details": {"thinking_tokens": 3},
            },
        }
    ).encode()
    + b"\n"
)
PAIR = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%b"}}\n\n'
UNICODE = (
    start()
    + event("content_block_start", index=0, content_block={"type": "text", "text": "«"})
    + event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Grüße 你好 👩‍🚀\u2028"})
    + b"event: content_block_delta\ndata: " + PAIR % rb"\ud83d"
    + b"event: content_block_delta\ndata: " + PAIR % rb"\ude00!"
    + event("content_block_stop", index=0)
    + finish("stop_sequence", stop_sequence="»")
)  # fmt: skip
CITED = {"type": "char_location", "cited_text": "Grass is green.", "document_index": 0}
SERVER = (
    start()
    + call(0, "srvtoolu_1", "web_search", '{"query": "gr', 'ass"}', kind="server_tool_use")
    + stop(0)
    + block(1, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []})
    + block(2, {"type": "redacted_thinking", "data": "b3BhcXVl"})
    + block(
        3,
        {"type": "text", "text": "", "citations": []},
        {"type": "citations_delta", "citation": CITED},
        {"type": "text_delta", "text": "Green."},
    )
    + finish("pause_turn", {"output_tokens": 7, "server_tool_use": {"web_search_requests": 1}})
)
REFUSED = (
    start({"input_tokens": 4, "cache_creation_input_tokens": 2, "output_tokens": 1})
    + text(0, "Well")
    + finish("refusal", stop_details={"type": "refusal", "category": "cyber"})
)
IMITATED = (
    start()
    + opened(0, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "Hm"})
    + call(1, "a", "look", '{"x":')
    + call(2, "b", "look", '{"y":2}')
    + event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": "1}"})
    + event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": ""})
    + stop(0, 1, 2)
    + finish("max_tokens")
)
"""As llama-server stops its blocks: all of them at the end."""

BODIES: tuple[Body, ...] = (
    whole_after("text", TEXT, END),
    whole_after("thinking, text and parallel calls", CALLS, END),
    whole_after("all at once", WHOLE, END),
    whole_after("any script", UNICODE, END),
    whole_after("server tools and citations", SERVER, END),
    whole_after("a refusal", REFUSED, END),
    whole_after("blocks stopped at the end", IMITATED, END),
    Body("an error in mid-stream", BROKEN, None),
    Body("an error alone", json.dumps({"type": "error", "error": WRONG}).encode() + b"\n", None),
)
