"""The models of a simulated LM Studio, as its REST API tells of them: v1, and v0 of old versions.

Law of this file: pure; the lists, and the replies to `load` and `unload` (PROTOCOLS 3.2, 3.4). A load goes
on though whoever asked for it has left, as in LM Studio. Each model has one instance, under its own name.
"""

from typing import Any

import msgspec
from msgspec import Struct

from tokenweir.simulator import refusals
from tokenweir.simulator.ask import bad_ask
from tokenweir.simulator.frames import Frame
from tokenweir.simulator.lmstudio_reply import in_lmstudio_form
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.reply import Reply, at_once, whole

CONTEXT = 4096
"""Tokens that fit into each model, loaded or not."""

_SIZE = 1_000_000_000


class _Load(Struct, frozen=True):
    model: str
    context_length: int | None = None
    echo_load_config: bool = False


class _Unload(Struct, frozen=True):
    instance_id: str


def listed(quirks: Quirks, loads: Loads, now: float) -> dict[str, Any]:
    """REST v1: every model, with its loaded instance at `now` (seconds of the clock of `loads`)."""
    return {"models": [_model(name, loaded=loads.is_loaded(name, now)) for name in quirks.models]}


def listed_v0(quirks: Quirks, loads: Loads, now: float) -> dict[str, Any]:
    """REST v0: the same, as versions before 0.4 say it."""
    data = [
        {
            "id": name,
            "object": "model",
            "type": "llm",
            "publisher": "simulated",
            "arch": "simulated",
            "compatibility_type": "gguf",
            "quantization": "Q4_0",
            "state": "loaded" if loads.is_loaded(name, now) else "not-loaded",
            "max_context_length": CONTEXT,
        }
        for name in quirks.models
    ]
    return {"object": "list", "data": data}


def load_reply_to(body: bytes, quirks: Quirks, loads: Loads, now: float, _answer_id: str) -> Reply:
    """The reply to a load that was asked for at `now`; it comes when the model is loaded."""
    try:
        asked = msgspec.json.decode(body, type=_Load)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        return whole(in_lmstudio_form(refusals.bad_request(bad_ask(bad))))
    if asked.model not in quirks.models:
        return whole(in_lmstudio_form(refusals.model_not_found(quirks, asked.model)))
    left = loads.begin(asked.model, now)
    said: dict[str, Any] = {
        "type": "llm",
        "instance_id": asked.model,
        "load_time_seconds": left,
        "status": "loaded",
    }
    if asked.echo_load_config:
        said["load_config"] = _config(asked.context_length or CONTEXT)
    return at_once(Frame(left, msgspec.json.encode(said)), asked.model)


def unload_reply_to(body: bytes, quirks: Quirks, loads: Loads, now: float, _answer_id: str) -> Reply:
    """The reply to an unload; 404 for an instance that is not loaded at `now`."""
    try:
        asked = msgspec.json.decode(body, type=_Unload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        return whole(in_lmstudio_form(refusals.bad_request(bad_ask(bad))))
    if not loads.is_loaded(asked.instance_id, now):
        return whole(in_lmstudio_form(refusals.model_not_found(quirks, asked.instance_id)))
    loads.unload(asked.instance_id)
    return at_once(Frame(0.0, msgspec.json.encode({"instance_id": asked.instance_id})), asked.instance_id)


def _model(name: str, *, loaded: bool) -> dict[str, Any]:
    return {
        "type": "llm",
        "publisher": "simulated",
        "key": name,
        "display_name": name,
        "architecture": "simulated",
        "quantization": {"name": "Q4_0", "bits_per_weight": 4},
        "size_bytes": _SIZE,
        "params_string": "1B",
        "loaded_instances": [{"id": name, "config": _config(CONTEXT)}] if loaded else [],
        "max_context_length": CONTEXT,
        "format": "gguf",
        "capabilities": {"vision": False, "trained_for_tool_use": True},
        "description": None,
    }


def _config(context: int) -> dict[str, Any]:
    return {
        "context_length": context,
        "eval_batch_size": 512,
        "parallel": 4,
        "flash_attention": False,
        "offload_kv_cache_to_gpu": True,
    }
