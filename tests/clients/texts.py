"""The examples of docs/gateway.md, and where they are asked.

Law of this file: text; it runs nothing.
"""

import re
from pathlib import Path

from tests.clients.gateway_process import GatewayProcess

PAGE = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    """The examples in a language, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def here(example: str, gateway: GatewayProcess) -> str:
    """An example that asks this gateway."""
    return example.replace("http://localhost:3000", gateway.url)
