"""curl, and what anybody can read of its output: `data: ` lines up to `[DONE]`, one JSON object each.

Law of this file: curl and the standard library alone. Whoever reads by hand takes no other line.
"""

import json
import subprocess
from typing import Any

from tests.clients.programs.jobs import Stopwatch, answer_all, tools_of

_FEW = 6
"""Lines of three frames."""


class RefusedError(Exception):
    """A status that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status


class ErrorFrameError(Exception):
    """An error in mid-stream."""


class CutError(Exception):
    """The stream ended without its end marker."""


def ask(question: dict[str, Any], said: dict[str, Any]) -> None:
    """Ask in the way of the question."""
    streamed = question["way"] != "whole"
    body: dict[str, Any] = {
        "model": question["model"],
        "messages": [{"role": "user", "content": "Who are you?"}],
    }
    if streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if tools := tools_of(question):
        body["tools"] = tools
    if "max_tokens" in question:
        body["max_tokens"] = question["max_tokens"]
    command = ["curl", "-sSN", "--max-time", "60", "-w", "%{stderr}%{http_code}"]
    command += ["-H", f"Authorization: Bearer {question['api_key']}", "-H", "Content-Type: application/json"]
    command += ["--data-binary", "@-", f"{question['base_url']}/chat/completions"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as curl:
        assert curl.stdin is not None
        assert curl.stdout is not None
        assert curl.stderr is not None
        curl.stdin.write(json.dumps(body).encode())
        curl.stdin.close()
        watch = Stopwatch(said)
        lines: list[bytes] = []
        for line in curl.stdout:
            lines.append(line)
            if line.startswith(b"data: "):
                watch.piece()
            if question["way"] == "leave" and len(lines) >= _FEW:
                curl.terminate()
                return
        status = int(curl.stderr.read().decode().strip()[-3:])
    text = b"".join(lines)
    if status != 200:
        raise RefusedError(status, json.loads(text)["error"]["message"])
    if streamed:
        read(text, said)
    else:
        gather(json.loads(text), said)


def read(text: bytes, said: dict[str, Any]) -> None:
    """The frames of a stream."""
    calls: dict[int, list[str]] = {}
    payloads = [line[6:] for line in text.split(b"\n") if line.startswith(b"data: ")]
    for chunk in (json.loads(payload) for payload in payloads if payload != b"[DONE]"):
        if "error" in chunk:
            raise ErrorFrameError(chunk["error"]["message"])
        if chunk.get("usage"):
            said["usage"] = figures(chunk["usage"])
        for choice in chunk["choices"]:
            delta = choice["delta"]
            said["text"] += delta.get("content") or ""
            said["reasoning"] = (said.get("reasoning") or "") + delta.get("reasoning_content", "")
            said["finish"] = choice["finish_reason"] or said.get("finish")
            for call in delta.get("tool_calls", ()):
                kept = calls.setdefault(call["index"], ["", "", ""])
                function = call["function"]
                pieces = (call.get("id", ""), function.get("name", ""), function["arguments"])
                calls[call["index"]] = [old + new for old, new in zip(kept, pieces, strict=True)]
    if payloads[-1] != b"[DONE]" or not text.endswith(b"\n\n"):
        raise CutError
    said["calls"] = [told(*call) for call in calls.values()]


def gather(completion: dict[str, Any], said: dict[str, Any]) -> None:
    """A whole answer."""
    [choice] = completion["choices"]
    message = choice["message"]
    said["text"], said["reasoning"] = message["content"] or "", message.get("reasoning_content")
    said["finish"], said["usage"] = choice["finish_reason"], figures(completion["usage"])
    said["calls"] = [
        told(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or ()
    ]


def figures(usage: dict[str, int]) -> list[int]:
    """Input, output, total."""
    return [usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]]


def told(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """A call."""
    return {"id": call_id, "name": name, "arguments": json.loads(arguments)}


if __name__ == "__main__":
    answer_all(ask)
