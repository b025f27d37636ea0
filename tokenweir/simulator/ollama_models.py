"""The models of a simulated Ollama: what it has, and what is loaded.

Law of this file: pure; bodies of `/api/tags`, `/api/ps` and `/api/version`, with every field that
typed clients ask for (PROTOCOLS 4.2).
"""

from hashlib import sha256
from typing import Any

from tokenweir.pipeline.protocols.rfc3339 import moment_of
from tokenweir.simulator.answer import CREATED
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks

VERSION = {"version": "0.0.0"}
"""No version of Ollama: whoever asks can tell the simulator from a real one."""

KEPT = 300
"""Seconds for which a loaded model is said to stay; only `keep_alive: 0` unloads one here."""

_SIZE = 1_000_000_000
_DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "simulated",
    "families": ["simulated"],
    "parameter_size": "1B",
    "quantization_level": "Q4_0",
}


def tags(quirks: Quirks) -> dict[str, Any]:
    """Every model, loaded or not."""
    return {"models": [{**_model(name), "modified_at": moment_of(CREATED)} for name in quirks.models]}


def running(quirks: Quirks, loads: Loads, now: float) -> dict[str, Any]:
    """The models that are loaded at `now` (seconds of the clock of `loads`)."""
    beside = {"expires_at": moment_of(CREATED + KEPT), "size_vram": _SIZE, "context_length": 4096}
    return {"models": [{**_model(name), **beside} for name in quirks.models if loads.is_loaded(name, now)]}


def _model(name: str) -> dict[str, Any]:
    digest = sha256(name.encode()).hexdigest()
    return {"name": name, "model": name, "size": _SIZE, "digest": digest, "details": _DETAILS}
