"""The models of a simulated LM Studio, as its websocket tells of them.

Law of this file: pure; entries with every field that the vendor's own client asks for (PROTOCOLS 3.5).
"""

from typing import Any

from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks

VERSION = {"version": "0.0.0", "build": 0}
"""No version of LM Studio: whoever asks can tell the simulator from a real one."""

CONTEXT = 4096
"""Tokens that fit into each model, loaded or not."""

_SIZE = 1_000_000_000


def downloaded(model: str) -> dict[str, Any]:
    """A model that could be loaded."""
    return {
        "type": "llm",
        "modelKey": model,
        "format": "gguf",
        "displayName": model,
        "path": f"simulated/{model}",
        "sizeBytes": _SIZE,
        "paramsString": "1B",
        "architecture": "simulated",
        "vision": False,
        "trainedForToolUse": True,
        "maxContextLength": CONTEXT,
    }


def instance(model: str) -> dict[str, Any]:
    """A model that is loaded, under its own name."""
    return {**downloaded(model), "identifier": model, "instanceReference": model, "contextLength": CONTEXT}


def loaded(quirks: Quirks, loads: Loads, now: float) -> list[dict[str, Any]]:
    """The models that are loaded at `now` (seconds of the clock of `loads`)."""
    return [instance(name) for name in quirks.models if loads.is_loaded(name, now)]
