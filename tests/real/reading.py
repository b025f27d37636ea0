"""What is looked at in what a test has heard.

Law of this file: reading only, and no claim.
"""

import json
from typing import Any

from tests.reader import Heard
from tokenweir import Finish, Usage


def reasoning(heard: Heard) -> str:
    """All of the reasoning."""
    return heard.answer.text(channel="reasoning")


def calls(heard: Heard) -> list[tuple[str | None, Any]]:
    """The tool calls: their names and arguments."""
    return [(call["name"], json.loads(call["arguments"])) for call in heard.answer.tool_calls()]


def finish(heard: Heard) -> Finish:
    """The one finish."""
    (told,) = [event for event in heard.events if isinstance(event, Finish)]
    return told


def usage(heard: Heard) -> Usage | None:
    """The last usage."""
    return next((event for event in reversed(heard.events) if isinstance(event, Usage)), None)
