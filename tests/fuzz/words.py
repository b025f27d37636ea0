"""What a fuzzer begins with: bodies that were written for the tests, and the words of a protocol.

Law of this file: nothing is written down here that stands elsewhere. Bodies come from tests/wire, words from
the decoders' own source, so that a new dialect is fuzzed without anybody thinking of it.
"""

import ast
import importlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.fuzz.script import script_of
from tests.fuzz.targets import Target, framing, run, targets
from tests.wire.body import Body
from tokenweir.stages.decode_protocol import FRAMING, PROTOCOLS

ROOT = Path(__file__).parents[2]
_ROOM = "tokenweir.pipeline.protocols."
_WORD = re.compile(r"[\w.:/\[\]<>|-]{1,40}")
_SSE = (
    b"data: ",
    b"event: ",
    b"id: ",
    b"retry: ",
    b"error: ",
    b": ping\n\n",
    b"data: [DONE]\n\n",
    b"\xef\xbb\xbf",
)
_ENDS = (b"\n\n", b"\r\n\r\n", b"\r", b"\x00")
_JSON = (b"null", b"true", b"-1", b"1e999", b"NaN", rb"\ud83d", rb"\ude00", b"[[[[[[[[", b'{"":', b"9" * 40)
_SCRIPT = (
    b"\nt",
    b"\nr",
    b"\na",
    b"\nf\n",
    b"\nu9\n",
    b"\nd",
    b"<think>",
    b"</think>",
    b"[THINK]",
    b"```",
    b"`",
)

PLAIN: dict[str, tuple[bytes, ...]] = {
    "sse": (
        b': ping\n\nevent: x\r\nid: 1\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata: [DONE]\n\n',
        b'error: {"b":2}\n',
    ),
    "ndjson": (b'{"a":1}\n{"b":"}"}\n', b'[{"a":1}\n,\r\n{"b":[2]}]\n'),
    "script": (
        b"tI\ntI am\ntI am an\ntI am an intelligent\nf\nu4\nd",
        b"t<think>Hm.\nt</think>\ntYes\na{}\nf\nd",
    ),
}
"""Small inputs of each form, beside the bodies."""


@cache
def _wire() -> dict[str, tuple[Body, ...]]:
    """The bodies of each module in tests/wire."""
    names = [path.stem for path in sorted((ROOT / "tests" / "wire").glob("*.py"))]
    found = {name: importlib.import_module(f"tests.wire.{name}") for name in names if name != "body"}
    return {name: module.BODIES for name, module in found.items() if hasattr(module, "BODIES")}


def bodies(protocol: str) -> list[bytes]:
    """The bodies of a protocol, or of a framing; module and protocol begin alike (`ollama.py` has those of
    ollama-chat and of ollama-generate)."""
    wanted = protocol.replace("-", "_")
    own = [name for name in _wire() if wanted.startswith(name) or name.startswith(wanted)]
    alike = [name for name in _wire() if _framing_of(name) == framing(protocol)]
    return [body.wire for name in own or alike for body in _wire()[name]]


def _framing_of(module: str) -> str:
    names = [name for name in PROTOCOLS if name.replace("-", "_").startswith(module)]
    return FRAMING[names[0]] if names else ""


def seeds(target: Target) -> list[bytes]:
    """What a target begins with."""
    if target.takes_bytes:
        return [*PLAIN[framing(target.seeds)], *bodies(target.seeds)]
    scripts = [script_of(_decoded(name, body)) for name in PROTOCOLS for body in bodies(name)]
    return [*PLAIN["script"], *dict.fromkeys(scripts)]


def _decoded(name: str, body: bytes) -> list[object]:
    make, _ = targets()[name].makes[0]
    return run(make, iter([[body]]))


def words(target: Target) -> list[bytes]:
    """The words that a fuzzer would never find by chance."""
    if not target.takes_bytes:
        return list(_SCRIPT)
    shape = _SSE if framing(target.seeds) == "sse" else ()
    own = sorted(_of_module(PROTOCOLS[target.seeds].partition(":")[0])) if target.seeds in PROTOCOLS else []
    quoted = [json.dumps(word).encode() for word in own]
    return [*shape, *_ENDS, *_JSON, *quoted]


@cache
def _of_module(name: str) -> frozenset[str]:
    """The words that a protocol's module compares with, and those of its helpers in the same room."""
    path = ROOT.joinpath(*name.removeprefix("tokenweir.").split(".")).with_suffix(".py")
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _WORD.fullmatch(node.value):
            found.add(node.value)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_ROOM):
            found |= _of_module(node.module or "")
    return frozenset(found)


def dictionary(target: Target) -> str:
    """The words in libFuzzer's form."""
    return "".join(f'"{"".join(_escaped(word))}"\n' for word in words(target))


def _escaped(word: bytes) -> Iterator[str]:
    return (chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\x{byte:02x}" for byte in word)
