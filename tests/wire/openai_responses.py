"""Answers of `/v1/responses` as they go over the wire, written for these tests (PROTOCOLS 7.1)."""

import json
from typing import Any

from tests.wire.body import Body, whole_after

END = b"}"
"""What the last payload ends with: behind it the answer is whole."""

USAGE: dict[str, Any] = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}
_WHOLE = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text", "summary_text": "text"}


def event(kind: str, **fields: Any) -> bytes:
    """One named event."""
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {data}\n\n".encode()


def response(status: str, *output: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A response as far as it has come."""
    head = {"id": "resp_1", "object": "response", "created_at": 1_790_000_000, "model": "m"}
    return {**head, "status": status, "output": list(output), **fields}


def begin(*statuses: str) -> bytes:
    """The first events."""
    listed = [event(f"response.{status}", response=response(status)) for status in statuses]
    return event("response.created", response=response("in_progress")) + b"".join(listed)


def end(*output: dict[str, Any], status: str = "completed", **fields: Any) -> bytes:
    """The last event."""
    return event(f"response.{status}", response=response(status, *output, **{"usage": USAGE, **fields}))


def part(kind: str, text: str) -> dict[str, Any]:
    """A part of an item."""
    beside: dict[str, Any] = {"annotations": [], "logprobs": []} if kind == "output_text" else {}
    return {"type": kind, _WHOLE[kind]: text, **beside}


def message(number: int, *parts: dict[str, Any], status: str = "completed") -> dict[str, Any]:
    """A message."""
    head = {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": status}
    return {**head, "content": list(parts)}


def thought(number: int, *parts: dict[str, Any]) -> dict[str, Any]:
    """Reasoning."""
    made: dict[str, Any] = {"id": f"rs_{number}", "type": "reasoning", "content": [], "summary": []}
    return {**made, "summary" if parts[0]["type"] == "summary_text" else "content": list(parts)}


def called(number: int, call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """A call of a function."""
    head = {"id": f"fc_{number}", "type": "function_call", "status": "completed"}
    return {**head, "call_id": call_id, "name": name, "arguments": arguments}


def added(number: int, item: dict[str, Any]) -> bytes:
    """An item as it begins: nothing of its text."""
    empty = {
        name: type(item[name])() for name in ("content", "summary", "arguments", "input") if name in item
    }
    return event("response.output_item.added", output_index=number, item={**item, **empty})


def done(number: int, item: dict[str, Any]) -> bytes:
    """An item as it ends."""
    return event("response.output_item.done", output_index=number, item=item)


def text(number: int, item: dict[str, Any], name: str, *pieces: str) -> bytes:
    """The one text of an item, in pieces and then whole, all that belongs to it."""
    where = {"item_id": item["id"], "output_index": number, "content_index": 0}
    kind = "output_text" if name == "output_text" else name
    field = _WHOLE[kind]
    beside: dict[str, Any] = {"logprobs": []} if kind == "output_text" else {}
    deltas = [event(f"response.{name}.delta", **where, delta=piece, **beside) for piece in pieces]
    whole = part(kind, "".join(pieces))
    return b"".join(
        [
            added(number, item),
            event("response.content_part.added", **where, part=part(kind, "")),
            *deltas,
            event(f"response.{name}.done", **where, **{field: whole[field]}, **beside),
            event("response.content_part.done", **where, part=whole),
            done(number, item),
        ]
    )


def call(number: int, item: dict[str, Any], *pieces: str) -> bytes:
    """A call's arguments, in pieces and then whole."""
    where = {"item_id": item["id"], "output_index": number}
    deltas = [event("response.function_call_arguments.delta", **where, delta=piece) for piece in pieces]
    whole = event("response.function_call_arguments.done", **where, arguments=item["arguments"])
    return added(number, item) + b"".join(deltas) + whole + done(number, item)


def plain() -> Body:
    """A message in pieces, its usage, its end."""
    said = message(0, part("output_text", "Hello, you."))
    wire = begin("in_progress") + text(0, said, "output_text", "Hello", ",", " you.") + end(said)
    return whole_after("text", wire, END)


def thinking() -> Body:
    """Reasoning, and what was said after it."""
    thinks, says = thought(0, part("reasoning_text", "Let me.")), message(1, part("output_text", "Yes."))
    wire = text(0, thinks, "reasoning_text", "Let", " me.") + text(1, says, "output_text", "Yes.")
    return whole_after("reasoning", wire + end(thinks, says), END)


def calls() -> Body:
    """Reasoning, text, and two calls of the same tool; the second one's arguments come only whole."""
    thinks, says = thought(0, part("reasoning_text", "Hm.")), message(1, part("output_text", "Both."))
    one, two = called(2, "call_a", "look", '{"at":1}'), called(3, "call_b", "look", '{"at":2}')
    where = {"output_index": 0, "content_index": 0}
    wire = added(0, thinks) + event("response.reasoning_text.delta", **where, delta="Hm.")
    wire += done(0, thinks) + event("response.output_text.delta", output_index=1, delta="Both.")
    wire += call(2, one, '{"at"', ":1}") + call(3, two)
    return whole_after("calls", wire + end(thinks, says, one, two), END)


def summary() -> Body:
    """A summary of reasoning in two parts, and what nobody else can read."""
    parts = [part("summary_text", "First."), part("summary_text", "Then.")]
    thinks = {**thought(0, *parts), "encrypted_content": "c2VjcmV0"}
    where = {"item_id": "rs_0", "output_index": 0}
    pieces = b"".join(
        event("response.reasoning_summary_text.delta", **where, summary_index=at, delta=found["text"])
        + event("response.reasoning_summary_text.done", **where, summary_index=at, text=found["text"])
        for at, found in enumerate(parts)
    )
    wire = begin() + added(0, thinks) + pieces + done(0, thinks)
    return whole_after("summary", wire + end(thinks), END)


def refusal() -> Body:
    """A refusal in pieces."""
    refuses = message(0, part("refusal", "I cannot."))
    wire = begin() + text(0, refuses, "refusal", "I can", "not.") + end(refuses)
    return whole_after("refusal", wire, END)


def unicode() -> Body:
    """Signs of every width, one of them in two halves, and a line end that is none."""
    said = "\u00e9\u4e2d\U0001f600\u2028\u0000|"
    item = message(0, part("output_text", said))
    where = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    first, second = (
        json.dumps({"type": "response.output_text.delta", **where, "delta": half})
        for half in ("\ud83d", "\ude00")
    )
    wire = begin() + added(0, item)
    wire += event("response.output_text.delta", **where, delta="\u00e9\u4e2d")
    wire += f"data: {first}\n\ndata: {second}\n\n".encode()
    wire += event("response.output_text.delta", **where, delta="\u2028\u0000|") + done(0, item) + end(item)
    return whole_after("unicode", wire, END)


def cut() -> Body:
    """The length was reached: incomplete, and whole as far as it goes."""
    said = message(0, part("output_text", "One, tw"), status="incomplete")
    last = end(said, status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    return whole_after("incomplete", begin("queued") + text(0, said, "output_text", "One, tw") + last, END)


def bare() -> Body:
    """An emulator: no event names, no indexes, no numbers; a keep-alive, and `[DONE]` at the end."""
    said = message(0, part("output_text", "Hi!"))
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "r", "model": "m"}},
        {"type": "keepalive", "sequence_number": 1},
        {"type": "response.output_item.added", "item": {**said, "content": []}},
        {"type": "response.output_text.delta", "item_id": "msg_0", "delta": "Hi"},
        {"type": "response.output_text.delta", "item_id": "msg_0", "delta": "!"},
        {"type": "response.output_text.done", "item_id": "msg_0", "text": "Hi!"},
        {"type": "response.output_item.done", "item": said},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [said]}},
    ]
    wire = "".join(f"data: {json.dumps(made)}\n\n" for made in events) + "data: [DONE]\n\n"
    return whole_after("emulator", wire.encode(), END)


def only_whole() -> Body:
    """No delta at all: everything stands in the last event."""
    thinks, says = thought(0, part("reasoning_text", "Hm.")), message(1, part("output_text", "Yes."))
    wire = begin() + end(thinks, says, called(2, "call_a", "look", "{}"))
    return whole_after("only whole", wire, END)


def server_tools() -> Body:
    """A search by the server, a citation, log probabilities, and a call whose input is any text."""
    search = {"id": "ws_0", "type": "web_search_call", "status": "completed", "action": {"query": "x"}}
    says = message(1, part("output_text", "So [1]."))
    custom = {
        "id": "ctc_2",
        "type": "custom_tool_call",
        "call_id": "call_c",
        "name": "sql",
        "input": "SELECT 1",
    }
    where = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    probable = [{"token": "So", "logprob": -0.5, "bytes": [83, 111], "top_logprobs": []}]
    cited = {"type": "url_citation", "url": "https://example.org", "start_index": 3, "end_index": 6}
    wire = begin() + added(0, {**search, "status": "in_progress"})
    wire += event("response.web_search_call.searching", item_id="ws_0", output_index=0) + done(0, search)
    wire += added(1, says) + event("response.output_text.delta", **where, delta="So", logprobs=probable)
    wire += event("response.output_text.delta", **where, delta=" [1].", logprobs=[])
    wire += event("response.output_text.annotation.added", **where, annotation_index=0, annotation=cited)
    wire += done(1, says) + added(2, custom)
    wire += event("response.custom_tool_call_input.delta", item_id="ctc_2", output_index=2, delta="SELECT 1")
    return whole_after("server tools", wire + done(2, custom) + end(search, says, custom), END)


def failed() -> Body:
    """The response failed in the middle of its text."""
    said = message(0, part("output_text", "One"))
    where = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    wire = begin() + added(0, said) + event("response.output_text.delta", **where, delta="One")
    error = {"code": "server_error", "message": "It broke."}
    return Body("failed", wire + end(status="failed", error=error, usage=None), None)


def error() -> Body:
    """An error in the middle of the text."""
    said = message(0, part("output_text", "One"))
    where = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    wire = begin() + added(0, said) + event("response.output_text.delta", **where, delta="One")
    told = event("error", code="rate_limit_exceeded", message="Too fast.", param=None, sequence_number=4)
    return Body("error", wire + told, None)


def whole() -> Body:
    """Not streamed: one object."""
    says, calls = message(0, part("output_text", "Hi.")), called(1, "call_a", "look", '{"at": 1}')
    wire = json.dumps(response("completed", says, calls, usage=USAGE)).encode()
    return whole_after("not streamed", wire, END)


BODIES = (
    plain(),
    thinking(),
    calls(),
    summary(),
    refusal(),
    unicode(),
    cut(),
    bare(),
    only_whole(),
    server_tools(),
    failed(),
    error(),
    whole(),
)
