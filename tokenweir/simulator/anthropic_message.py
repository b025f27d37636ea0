"""The whole answer of Anthropic's API at once: the body for a request without `stream`.

Law of this file: pure; the same events as a stream's, gathered.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from tokenweir.pipeline.json_value import as_object

_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def gathered(frames: Iterable[bytes]) -> bytes:
    r"""The JSON body that the frames of a stream make. The input of a call that was cut by its length is
    left empty: half an object has no form here.

    >>> gathered([b'event: message_start\ndata: {"type":"message_start","message":{"content":[]}}\n\n'])
    b'{"content":[]}'
    """
    message: dict[str, Any] = {}
    inputs: dict[int, str] = {}
    for frame in frames:
        event: dict[str, Any] = msgspec.json.decode(frame.partition(b"\ndata: ")[2])
        kind = event["type"]
        if kind == "message_start":
            message = event["message"]
        elif kind == "content_block_start":
            message["content"].append(event["content_block"])
        elif kind == "content_block_delta":
            _add(message["content"][event["index"]], event, inputs)
        elif kind == "content_block_stop" and event["index"] in inputs:
            with suppress(msgspec.DecodeError):
                message["content"][event["index"]]["input"] = msgspec.json.decode(inputs[event["index"]])
        elif kind == "message_delta":
            message |= event["delta"]
            message["usage"] |= event["usage"]
    return msgspec.json.encode(message)


def _add(block: dict[str, Any], event: Mapping[str, Any], inputs: dict[int, str]) -> None:
    delta, index = as_object(event["delta"]), event["index"]
    if delta["type"] == "input_json_delta":
        inputs[index] = inputs.get(index, "") + delta["partial_json"]
    else:
        name = _PIECES[delta["type"]]
        block[name] += delta[name]
