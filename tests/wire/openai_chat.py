"""openai-chat, as servers write it: PROTOCOLS sections 2, 3.1, 5 and 11."""

import json
from typing import Any

from tests.wire.body import Body, whole_after

_DONE = b"data: [DONE]\n\n"
_STOP = b'"finish_reason":"stop"}]}'
_USAGE = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}


def _frame(payload: dict[str, Any], *, ascii_only: bool = False) -> bytes:
    data = json.dumps(payload, ensure_ascii=ascii_only, separators=(",", ":"))
    return b"data: %b\n\n" % data.encode()


def _chunk(finish: str | None = None, /, index: int = 0, **delta: Any) -> bytes:
    """A chunk of one choice, its finish reason last."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1790000000, "model": "m-1"}
    return _frame({**head, "choices": [choice]})


def _bare(**delta: Any) -> bytes:
    """A chunk that names nothing."""
    return _frame({"choices": [{"delta": delta}]})


def _call(
    index: int | None, arguments: str | None, name: str | None = None, call_id: str | None = None
) -> bytes:
    """A chunk with a fragment of a call; None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    fragment = {"index": index, "id": call_id, "type": call_id and "function", "function": function}
    return _chunk(tool_calls=[{key: value for key, value in fragment.items() if value is not None}])


_TEXT = (
    _chunk(role="assistant", content="", refusal=None)
    + _chunk(content="The weir ")
    + _chunk(content="holds.")
    + _chunk("stop")
    + _frame({"id": "cmpl-1", "model": "m-1", "choices": [], "usage": _USAGE})
    + _DONE
)

_UNICODE = (
    _chunk(role="assistant", content=None)
    + _chunk(content="naïve — 漢字 \u2028")
    + _chunk(content="👩‍🚀 ")
    + _frame({"choices": [{"index": 0, "delta": {"content": "a\ud83d"}}]}, ascii_only=True)
    + _frame({"choices": [{"index": 0, "delta": {"content": "\ude00 𝄞"}}]}, ascii_only=True)
    + _chunk("stop")
)

_REASONING_AND_CALLS = (
    _chunk(role="assistant", reasoning_content="Two cities, ")
    + _chunk(reasoning_content="two calls.")
    + _chunk(content="I ask.")
    + _call(0, "", "get_weather", "call_a")
    + _call(0, '{"city":')
    + _call(1, "", "get_weather", "call_b")
    + _call(0, '"Oslo"}')
    + _call(1, '{"city":"Turin"}')
    + _chunk("tool_calls")
    + _DONE
)

_CALLS_WITHOUT_INDEX = (
    _call(None, '{"x":1}', "add", "a")
    + _call(None, "", "sub", "b")
    + _call(None, '{"y":')
    + _call(None, "2}")
    + _chunk(tool_calls=[{"id": None, "function": {"name": "mul", "arguments": {"z": 3}}}])
    + _chunk("tool_calls")
)

_TWO_CHOICES = (
    _chunk(content="Yes", index=0)
    + _chunk(content="No", index=1)
    + _chunk(refusal="I would rather not.", index=1)
    + _chunk("length", content="!", index=0)
    + _chunk("content_filter", index=1)
    + _DONE
)

_LLAMA_SERVER = (
    b": keepalive 128/512\n\n"
    + _frame(
        {
            "id": "l-1",
            "model": "m",
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}],
            "prompt_progress": {"total": 512, "cache": 0, "processed": 256, "time_ms": 7},
        }
    )
    + _chunk(function_call={"name": "see", "arguments": '{"far":'})
    + _chunk(function_call={"arguments": "true}"})
    + _chunk("function_call")
    + _frame({"choices": [], "usage": _USAGE, "timings": {"predicted_n": 9, "predicted_ms": 4.5}})
    + _DONE
)

_LOADING_THEN_AZURE = (
    _bare(reasoning_content="\u2501" * 5)
    + _bare(reasoning_content="\nllama-swap loading model: m\n")
    + _bare(reasoning_content="Done! (3.21s)")
    + _frame({"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]})
    + _chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}])
    + _chunk(content=[{"type": "text", "text": "Ready."}])
    + _chunk("stop")
    + _frame(
        {"id": "", "choices": [{"index": 0, "content_filter_offsets": {"end_offset": 6}}], "usage": _USAGE}
    )
    + _DONE
).replace(b"\n", b"\r\n")

_WHOLE = json.dumps(
    {
        "id": "w-1",
        "object": "chat.completion",
        "created": 1790000000,
        "model": "m-1",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Both, 🙂.",
                    "reasoning": "Why not?",
                    "refusal": None,
                    "tool_calls": [
                        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"p":1}'}},
                        {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                    ],
                    "audio": {"id": "s", "data": "UklG", "transcript": "Both"},
                },
                "logprobs": {"content": [{"token": "Both", "logprob": -0.5, "bytes": None}]},
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {**_USAGE, "completion_tokens_details": {"reasoning_tokens": 4}},
    }
).encode()

_ERROR = (
    b": OPENROUTER PROCESSING\n\n"
    + _chunk(
        role="assistant", reasoning="Let me", reasoning_details=[{"type": "reasoning.text", "text": "Let me"}]
    )
    + _chunk(content="So far")
    + b'event: error\ndata: {"error":{"message":"The model has crashed.","code":500},"message":"crashed"}\n\n'
    + _DONE
)

_ERROR_IN_A_CHOICE = (
    _chunk(content="Half an ans")
    + _frame(
        {
            "id": "cmpl-1",
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": ""},
                    "finish_reason": "error",
                    "error": {"code": 502, "message": "gone"},
                }
            ],
        }
    )
    + _DONE
)

_NO_FINISH = _chunk(role="assistant", content="") + _chunk(content="Cut") + _DONE

BODIES: tuple[Body, ...] = (
    whole_after("text and usage", _TEXT, _STOP),
    whole_after("unicode, halves of pairs, no end marker", _UNICODE, _STOP),
    whole_after(
        "reasoning, text and parallel calls", _REASONING_AND_CALLS, b'"finish_reason":"tool_calls"}]}'
    ),
    whole_after(
        "calls without index, an object as arguments",
        _CALLS_WITHOUT_INDEX,
        b'"finish_reason":"tool_calls"}]}',
    ),
    whole_after("two choices, a refusal", _TWO_CHOICES, b'"finish_reason":"content_filter"}]}'),
    whole_after("progress, a legacy call, timings", _LLAMA_SERVER, b'"finish_reason":"function_call"}]}'),
    whole_after("loading text, filters, content as parts, CRLF", _LOADING_THEN_AZURE, _STOP),
    whole_after("a whole answer, not streamed", _WHOLE, b"}"),
    Body("an error in mid-stream", _ERROR, None),
    Body("an error inside a choice", _ERROR_IN_A_CHOICE, None),
    Body("an end marker without a finish", _NO_FINISH, None),
)
