"""The same answer, read raw: by aiohttp and json alone.

Law of this file: nothing of tokenweir, and no more of the protocol than these servers speak. Nothing is
mended here: what stands on the wire is what the events are held against.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import aiohttp


class Raw(NamedTuple):
    """A whole answer, as it came."""

    status: int
    kind: str
    body: bytes

    def chunks(self) -> list[dict[str, Any]]:
        """Its payloads."""
        lines = self.body.split(b"\n")
        return [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]

    def choices(self) -> Iterator[dict[str, Any]]:
        """What its payloads say of its one choice."""
        for chunk in self.chunks():
            yield from chunk["choices"]

    def deltas(self) -> Iterator[dict[str, Any]]:
        """The deltas of that choice."""
        for choice in self.choices():
            yield choice["delta"]

    def text(self, key: str = "content") -> str:
        """All of a delta's texts in a row."""
        return "".join(delta.get(key) or "" for delta in self.deltas())

    def calls(self) -> list[tuple[str, Any]]:
        """The tool calls: their names and arguments."""
        names: dict[int, str] = {}
        arguments: dict[int, str] = {}
        for delta in self.deltas():
            told: list[dict[str, Any]] = delta.get("tool_calls") or []
            for call in told:
                at: int = call.get("index", 0)
                names.setdefault(at, call["function"].get("name") or "")
                arguments[at] = arguments.get(at, "") + (call["function"].get("arguments") or "")
        return [(names[at], json.loads(arguments[at])) for at in names]

    def finish(self) -> str | None:
        """The finish reason."""
        told: list[str | None] = [choice.get("finish_reason") for choice in self.choices()]
        return next(filter(None, told), None)

    def usage(self) -> dict[str, Any] | None:
        """The last usage."""
        told: list[dict[str, Any] | None] = [chunk.get("usage") for chunk in self.chunks()]
        return next(filter(None, reversed(told)), None)


async def ask(url: str, body: Mapping[str, Any], key: str | None) -> Raw:
    """Ask, and read to the end."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer,
    ):
        return Raw(answer.status, answer.content_type, await answer.read())
