"""What a simulated llama-server tells of itself: `/props` (PROTOCOLS 5.1).

Law of this file: pure. It stands beside the plain OpenAI API, of which llama-server's is one.
"""

from typing import Any

from tokenweir.simulator import refusals
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import Refusal

CONTEXT = 4096


def props(quirks: Quirks, loads: Loads, now: float) -> dict[str, Any] | Refusal:
    """Its settings; 503 while it loads, where that is the fault."""
    if quirks.fault == "status-503-loading" and loads.loading(now):
        return refusals.loading()
    return {
        "default_generation_settings": {"n_ctx": CONTEXT},
        "total_slots": 1,
        "model_path": quirks.models[0],
        "chat_template": "",
        "modalities": {"vision": False, "audio": False},
        "build_info": "simulated",
        "is_sleeping": False,
    }
