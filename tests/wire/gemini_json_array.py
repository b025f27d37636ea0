"""Answers of `streamGenerateContent` without `alt=sse`: one array, written for these tests."""

import json

from tests.wire.body import Body, whole_after
from tests.wire.gemini_sse import BLOCKED, CALLS, STREAMED, TEXT, TWO, UNICODE


def array(wire: bytes, indent: int | None = 1) -> bytes:
    """An event stream's payloads as Google streams an array of them."""
    payloads = [json.loads(line[6:]) for line in wire.splitlines() if line.startswith(b"data: ")]
    written = (json.dumps(payload, ensure_ascii=False, indent=indent) for payload in payloads)
    return b"[" + "\n,\r\n".join(written).encode() + b"\n]\n"


FAILED = array(b'data: {"candidates":[{"content":{"parts":[{"text":"Half of "}]}}]}')[:-3] + (
    b',\n{"error": {"code": 500, "message": "An internal error has occurred.", "status": "INTERNAL"}}\n]'
)
REFUSED = (
    b'[{\n  "error": {\n    "code": 429,\n    "message": "Quota.",\n'
    b'    "status": "RESOURCE_EXHAUSTED"\n  }\n}\n]\n'
)

BODIES: tuple[Body, ...] = (
    whole_after("text", array(TEXT), b"}"),
    whole_after("reasoning, text and parallel calls", array(CALLS, None), b"}"),
    whole_after("streamed arguments", array(STREAMED, None), b"}"),
    whole_after("any script", array(UNICODE), b"}"),
    whole_after("two candidates", array(TWO), b"}"),
    whole_after("a blocked prompt", array(BLOCKED), b"}"),
    Body("an error in mid-stream", FAILED, None),
    Body("an error alone", REFUSED, None),
)
