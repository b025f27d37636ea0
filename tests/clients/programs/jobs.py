"""One question a line in, what was understood a line out: what the programs in Python share.

Law of this file: the standard library alone, since it runs in environments of others.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def answer_all(ask: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Answer each line of standard input. `ask` gets the question, and fills in what it understood as it
    comes; what it raises is told by its class, beside what came before."""
    for line in sys.stdin:
        said: dict[str, Any] = {"text": "", "calls": []}
        try:
            ask(json.loads(line), said)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is what is to be told
            status = getattr(error, "status_code", None)
            types = [kind.__name__ for kind in type(error).__mro__]
            said["error"] = {"types": types, "message": str(error), "status": status}
        print(json.dumps(said), flush=True)


def tools_of(question: dict[str, Any], name: str = "look_up_weather") -> list[dict[str, Any]]:
    """The tools that a question offers."""
    parameters = {"type": "object", "properties": {"place": {"type": "string"}}}
    function = {"name": name, "description": "Looks up the weather.", "parameters": parameters}
    return [{"type": "function", "function": function}] if question.get("tools") else []


class Stopwatch:
    """Says in `said` when the first piece came."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._said = said
        self._began = time.perf_counter()

    def piece(self) -> None:
        """A piece came."""
        self._said.setdefault("waited", time.perf_counter() - self._began)
