"""The encoder of each protocol that has one, found by its name.

Law of this file: `XDecode` reads a protocol and `XEncode` writes it; whatever encoder there is, belongs
to a protocol.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenweir.pipeline.core import Core
from tokenweir.pipeline.events import Event, FinishReason
from tokenweir.stages.decode_protocol import PROTOCOLS

FOLDER = Path(__file__).parents[1] / "pipeline" / "protocols"
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "OpenAIChatEncode": {"include_usage": True},
    "OpenAICompletionsEncode": {"include_usage": True},
}
"""What an encoder must be told, to write all that it can."""

CLASSES: Mapping[str, Callable[..., Core[Event, bytes]]] = {
    name: made
    for path in sorted(FOLDER.glob("*_encode.py"))
    for name, made in vars(import_module(f"tokenweir.pipeline.protocols.{path.stem}")).items()
    if name.endswith("Encode") and made.__module__.endswith(path.stem)
}
"""Every encoder by its name."""


def name_of(protocol: str) -> str:
    """What a protocol's encoder is called, if there is one."""
    return PROTOCOLS[protocol].partition(":")[2].removesuffix("Decode") + "Encode"


WRITTEN = [protocol for protocol in PROTOCOLS if name_of(protocol) in CLASSES]
"""The protocols that have an encoder."""

FOLDED: Mapping[str, Mapping[FinishReason, FinishReason]] = {
    "ollama-chat": {"other": "stop", "pause": "stop", "content_filter": "stop"},
    "ollama-generate": {"other": "stop", "pause": "stop", "content_filter": "stop"},
    "openai-chat": {"other": "stop", "pause": "stop"},
    "openai-completions": {"other": "stop", "pause": "stop"},
}
"""Protocol -> finish reasons that it has no word for, and what they become."""


def encoder(protocol: str) -> Core[Event, bytes]:
    """A fresh one."""
    name = name_of(protocol)
    return CLASSES[name](**OPTIONS.get(name, {}))
