"""The switches are checked when they are set."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.simulator.quirks import FAULTS, Quirks, ToolCall


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"provider": "zebra"}, "one of openai, lmstudio"),
        ({"rate": 0}, "tokens per second, more than 0, or None"),
        ({"rate": float("nan")}, "tokens per second"),
        ({"rate": "fast"}, "Expected `float | null`"),
        ({"keep_alive": -1.0}, "seconds between comments, more than 0"),
        ({"load_seconds": -0.1}, "seconds, 0 or more"),
        ({"load_seconds": float("inf")}, "seconds, 0 or more"),
        ({"prefill_seconds": True}, "Expected `float`"),
        ({"fault_after": 1.5}, "Expected `int`"),
        ({"fault_after": -1}, "tokens, 0 or more"),
        ({"cumulative": "yes"}, "Expected `bool`"),
        ({"script": "Hello"}, "script='Hello'"),
        ({"models": ()}, "at least one name"),
        ({"models": ("a", "a")}, "none of them empty or twice"),
        ({"fault": "stal"}, "did you mean 'stall'"),
        ({"fault": "zebra"}, "one of error, cut"),
        ({"fault": "status-503-loading"}, "needs load_seconds"),
        ({"keep_alive": 1.0, "provider": "ollama"}, "ollama is silent while it loads"),
        ({"fault": "no-done", "provider": "ollama"}, "not one of ollama's: its last line is finish and end"),
        ({"fault": "list", "provider": "ollama"}, "its lines stand in no list"),
    ],
)
def test_a_value_that_cannot_be_is_refused(switches: dict[str, Any], message: str) -> None:
    """T06: refused at birth, by the switch's name and with what it may be."""
    with pytest.raises(MisuseError) as refused:
        Quirks(**switches)

    assert str(refused.value).startswith(next(iter(switches)))
    assert message in str(refused.value)


def test_every_fault_can_be_asked_for_and_has_a_line_of_help() -> None:
    """`tokenweir simulate --fault` shows this table."""
    made = [Quirks(fault=name, load_seconds=1).fault for name in FAULTS]

    assert made == list(FAULTS)
    assert all(line and "\n" not in line for line in FAULTS.values())


def test_a_tool_call_s_arguments_are_json() -> None:
    """Broken arguments would be a fault, and faults have names."""
    with pytest.raises(MisuseError, match="arguments are JSON text"):
        ToolCall("look", '{"at":')
    assert ToolCall("look").arguments == "{}"
