"""Answers of llama-server's own `/completion`, written for these tests (PROTOCOLS 5.1)."""

import json
from typing import Any

from tests.wire.body import Body, whole_after

TIMINGS = {"cache_n": 3, "prompt_n": 2, "prompt_ms": 4.5, "predicted_n": 7, "predicted_per_second": 40.5}


def event(value: object) -> bytes:
    """One event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def chunk(content: str, index: int = 0, **fields: Any) -> bytes:
    """One piece of a completion."""
    counts = {"id_slot": 0, "tokens_predicted": 1, "tokens_evaluated": 5}
    return event({"index": index, "content": content, "tokens": [9], "stop": False, **counts, **fields})


def last(content: str = "", index: int = 0, how: str | None = "eos", **fields: Any) -> dict[str, Any]:
    """The last payload of a completion, as a value."""
    figures = {"tokens_predicted": 7, "tokens_evaluated": 5, "tokens_cached": 11, "timings": TIMINGS}
    told = {"model": "m", "prompt": "Once", "generation_settings": {"n_ctx": 512}, "truncated": False}
    kind = {} if how is None else {"stop_type": how, "stopping_word": ""}
    return {
        "index": index,
        "content": content,
        "tokens": [],
        "stop": True,
        **told,
        **kind,
        **figures,
        **fields,
    }


def _whole(name: str, wire: bytes, payload: bytes) -> Body:
    """A body that is whole behind its last payload."""
    return whole_after(name, wire, payload.strip())


PROGRESS = {"total": 8, "cache": 3, "processed": 5, "time_ms": 7}
EOS, LIMIT = event(last()), event(last(how="limit"))
OLD = event(last(how=None, stopped_eos=False, stopped_word=True, stopped_limit=False))
ONE = json.dumps(last("Hé 🙂"), ensure_ascii=False).encode()
TWO = json.dumps([last("a"), last("b", 1)]).encode()
ERROR = {"code": 500, "message": "the context is full", "type": "server_error"}

BODIES: tuple[Body, ...] = (
    _whole("text", chunk("Hel") + chunk("lo") + EOS, EOS),
    _whole("progress", chunk("", prompt_progress=PROGRESS) + chunk("Hé 🙂") + LIMIT, LIMIT),
    _whole("probabilities", chunk("a", completion_probabilities=[{"id": 9}]) + EOS, EOS),
    _whole("old server", chunk("a") + OLD, OLD),
    _whole("pings", b": ping\n\n" + chunk("a", timings=TIMINGS) + b":\n\n" + EOS, EOS),
    _whole("one object", ONE + b"\n", ONE),
    _whole("two at once", TWO + b"\n", TWO),
    Body("error", chunk("Hel") + event({"error": ERROR}), None),
    Body("error of old servers", chunk("Hel") + b"error: " + json.dumps(ERROR).encode() + b"\n\n", None),
)
