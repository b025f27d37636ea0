"""Mutants that change nothing which anybody could notice: judged by a person, each with the reason.

Law of this file: module -> the line as mutmut wrote it (without its indent) -> why no test can tell it from
the line that stands there; and a few forms that mean nothing anywhere. What only seems unimportant does not
belong here: it needs a test, or the code needs less.
"""

from collections.abc import Mapping

NO_YET = "nothing is as false as False, and it is only asked whether it is true"
CODEC = "a codec's name is the same in any case"
SLOWER = "the quick way is not taken, and the other gives the same, as a test of the module holds"
EITHER = "a choice between two ways that give the same, as a test of the module holds"
MIRRORED = "a depth below zero counts as well as one above it"
UNREAD = "the option is there for other protocols, and not read"
TWICE = "the message is looked for in the flat body and in the whole error: either finds it"
SAME_COUNTS = "the cores of both faces count the same things"
UNENDED = "how a candidate ended is asked only where it has"
EMPTY = "the case that is let in adds nothing"

EVERYWHERE: Mapping[str, str] = {
    r"^- ((?:self\.\w+ = )*self\.\w+(?:: bool)?) = False\n\+ \1 = None$": NO_YET,
    r"\n\+ .*code\(\"UTF-(?:8|16)\"": CODEC,
    r'^- (.*\bcast\()"[^"]*"(.*)\n\+ \1(?:"[^"]*"|None)\2$': "cast gives back its second argument",
}
"""Forms of a change, as patterns of the old line with `- ` and the new one with `+ ` -> the reason."""

EQUIVALENT: Mapping[str, Mapping[str, str]] = {
    "stages/cumulative_evidence.py": {
        "period = text.rfind(text[: (len(text) + 1) // 2], 1)": EITHER,
        "period = text.find(text[: (len(text) - 1) // 2], 1)": EITHER,
        "return 0 <= period <= len(text) // 2 and text.startswith(text[period:])": "looked for from 1 on",
        "return 0 < period <= len(text) / 2 and text.startswith(text[period:])": "a place is a whole number",
        "middle = (low + high + 2) // 2": "halved one place later, and never behind the end",
    },
    "stages/decode_protocol.py": {
        'module, _, attribute = PROTOCOLS[name].rpartition(":")': "a name of the table has one colon",
        ")": "a stage gives events, where it is not told otherwise",
    },
    "stages/limit.py": {
        "if end is not None and now + _EARLY > end:": "the margin is a rounding error's",
    },
    "stages/ndjson_decode.py": {
        "if self._sample is not None and len(self._sample) <= _SAMPLE:": EMPTY,
        'first = data.find(b"\\n") + 1 and len(data)': SLOWER,
        'first = data.find(b"\\n") - 1 or len(data)': SLOWER,
        'first = data.rfind(b"\\n") + 1 or len(data)': SLOWER,
        'first = data.find(b"XX\\nXX") + 1 or len(data)': SLOWER,
        'first = data.find(b"\\n") + 2 or len(data)': SLOWER,
        "end = None": SLOWER,
        'end = data.find(b"\\n") + 1': SLOWER,
        'end = data.rfind(b"XX\\nXX") + 1': SLOWER,
        "if end or not self._scan.held:": SLOWER,
        "if end and self._scan.held:": SLOWER,
        'if not self._scan.held and whole.startswith(b"XX{XX") and is_json(whole):': SLOWER,
    },
    "stages/sse_decode.py": {
        "self._type = None": "no type is asked for by its truth, and told as `message`",
        'and data.startswith(b"XXdata: XX")': SLOWER,
        'and data.startswith(b"DATA: ")': SLOWER,
        'and data.endswith(b"XX\\n\\nXX")': SLOWER,
        'and data.count(b"XX\\nXX") == 2  # noqa: PLR2004 - those two': SLOWER,
        "and len(data) < self._limit": SLOWER,
        'self._data = self._json = ""': "after the limit nothing is looked at, but that all is let go",
        'cut = block.find(b"\\n\\n") + 2': SLOWER,
        'cut = block.rfind(b"XX\\n\\nXX") + 2': SLOWER,
        'if cut <= len(b"\\n\\n") or not block.startswith(b"data: "):': "two line ends are not `data: `",
        'if cut < len(b"\\n\\n") or not block.startswith(b"XXdata: XX"):': SLOWER,
        'if cut < len(b"\\n\\n") or not block.startswith(b"DATA: "):': SLOWER,
        "pieces = None": SLOWER,
        'if len(max(pieces, key=len)) + len(b"data: ") >= self._limit:': SLOWER,
        "if len(self._sample) <= _SAMPLE:": EMPTY,
        "self._emit(self._data + self._more if (self._more) or True else self._data, kind, out)": EMPTY,
    },
    "stages/sse_lines.py": {
        'end = (max(data.rfind(b"\\n"), data.rfind(b"\\r")) if (returns) or True else data.rfind(b"\\n")) + 1': SLOWER,  # noqa: E501 - as mutmut writes it
        "block = data[:end] if (end < len(data)) or True else data": EMPTY,
        "block = data[:end] if end <= len(data) else data": EMPTY,
        "if len(head) <= len(BOM) and BOM.startswith(head):": "a whole mark is kept one read longer, and goes then",  # noqa: E501 - as mutmut writes it
        'return _split(block, cut) if (block.find(b"\\n") < _LARGE) and False else _walk(block, cut)': EITHER,
        'return _split(block, cut) if (block.find(b"\\n") < _LARGE) or True else _walk(block, cut)': EITHER,
        'return _split(block, cut) if block.rfind(b"\\n") < _LARGE else _walk(block, cut)': EITHER,
        'return _split(block, cut) if block.find(b"XX\\nXX") < _LARGE else _walk(block, cut)': EITHER,
        'return _split(block, cut) if block.find(b"\\n") <= _LARGE else _walk(block, cut)': EITHER,
        'return pieces if block.count(b"\\n", None, cut) == 2 * len(pieces) else []': "None is the beginning",
        'return pieces if block.count(b"\\n", 1, cut) == 2 * len(pieces) else []': "the first byte is a `d`",
    },
    "stages/take.py": {
        "kept = None": "read only where a revision has set it",
        "kept = 1": "read only where a revision has set it",
    },
    "pipeline/protocols/openai_responses_output.py": {
        "for item in self.items if (self._halves) or True else ():": SLOWER,
        "self._call(item, None, name, out)": EMPTY,
        'self._fragment(item, None, {"arguments": text}, out)': EMPTY,
    },
    "pipeline/protocols/openai_responses_texts.py": {
        "taken = None": NO_YET,
    },
    "pipeline/protocols/openai_responses_status.py": {
        'self._usage: Usage | None = ""': "figures are asked for by their truth",
    },
    "pipeline/protocols/anthropic_decode.py": {
        "def __init__(self, provider: str | None = None, *, finish_required: bool = False) -> None:": UNREAD,
        "super().__init__(provider, finish_required=None)": UNREAD,
        "super().__init__(provider, )": UNREAD,
        'self._usage: Usage | None = ""': "figures are asked for by their truth",
        "self._fast = None  # whether the next payload is most likely a delta of text": NO_YET,
        "self._misses = 1": SLOWER,
        "if not (self._fast and type(None) is SSEEvent and self._take_fast(item.data, out)):": SLOWER,
        "self._fast = None": SLOWER,
        "self._fast = self._said and self._misses <= _MISSES and not (self._mended or self._over)": SLOWER,
        "self._misses -= 1": SLOWER,
        "self._misses += 2": SLOWER,
        'for kind in ("content_block_start", "XXcontent_block_stopXX"):': "all else is a stop",
        'for kind in ("content_block_start", "CONTENT_BLOCK_STOP"):': "all else is a stop",
        "self._tell(usage, out, partial=None)": NO_YET,
        "if not fields.keys() < known:": EMPTY,
    },
    "pipeline/protocols/openai_responses_items.py": {
        "for fields, found in zip(listed, known, strict=None):": "one is made of the other",
        "for fields, found in zip(listed, known, ):": "one is made of the other",
        "for fields, found in zip(listed, known, strict=False):": "one is made of the other",
        "return self._add(item_id, None, None)": "an item without a kind gets it from the entry",
        "return waiting[-1].entry(item_id, None)": "an item without a kind gets it from the entry",
        "by_index = None if (index is None) and False else self._by_index.get(index)": "none has that index",
    },
    "pipeline/protocols/openai_responses_item.py": {
        "found = self.texts.get((other, index)) if (other) or True else None": "no text is of no kind",
        'kind, field = WHOLES.get(as_text(part.get("type")), (None, "XXXX"))': "not read without a kind",
    },
    "pipeline/protocols/openai_responses_places.py": {
        "return bool(self._silent) and (not self._spoken or self._silent[0] <= self._spoken[0])": (
            "no text is both"
        ),
    },
    "pipeline/protocols/verified_text.py": {
        "self._last = None": "the text is empty then, and so is all that was said",
        'self._mark: int | None = ""': "read only where a whole has set it",
        'self.kept, self._last = None, "XXXX"': "read only where something is kept",
    },
    "pipeline/protocols/llamacpp_completion_decode.py": {
        "def __init__(self, provider: str | None = None, *, finish_required: bool = False) -> None:": UNREAD,
        "super().__init__(provider, finish_required=None)": UNREAD,
        "super().__init__(provider, )": UNREAD,
        "self._finished.setdefault(index, None)": NO_YET,
        "self._finished.setdefault(index, )": NO_YET,
        "super().take_value(one, None, out)": "an entry of a list is asked only for not being an error's",
    },
    "pipeline/protocols/lmstudio_v1_decode.py": {
        "def __init__(self, provider: str | None = None, *, finish_required: bool = False) -> None:": UNREAD,
        "super().__init__(provider, finish_required=None)": UNREAD,
        "super().__init__(provider, )": UNREAD,
        'about, _, what = named.partition(".")': "the events of a phase have one dot",
        'def _take_rest(self, fields: Mapping[str, Any], out: list[Event], known: str = "XXXX") -> None:': (
            "a key that no wire has"
        ),
        "if odd or not fields.keys() < _KNOWN:": EMPTY,
        "if told and not self._texts[kind].agrees(told, json=None):": NO_YET,
    },
    "pipeline/protocols/payload.py": {
        "return msgspec.Raw(whole(json.dumps(value, ensure_ascii=None)).encode())": NO_YET,
    },
    "pipeline/protocols/tool_calls.py": {
        "plain = None": SLOWER,
        "plain = fragment.keys() < _PLAIN and function.keys() <= _KNOWN_FUNCTION": SLOWER,
        "plain = fragment.keys() <= _PLAIN and function.keys() < _KNOWN_FUNCTION": SLOWER,
        "other = {} if (plain) and False else _unknown(fragment)": SLOWER,
        'self.name: str | None = ""': "the first fragment sets it before it is read",
        'known = self._by_id.get(call_id or "XXXX")': "what is found without an id is not read",
        'self.feed([{"index": "XXfunction_callXX", "function": call}], out)': "a key that no wire has",
        'self.feed([{"index": "FUNCTION_CALL", "function": call}], out)': "a key that no wire has",
        "if (call_id or call_id != slot.id) or (name and name != slot.name):": SLOWER,
        "if (call_id and call_id != slot.id) or (name or name != slot.name):": SLOWER,
    },
    "pipeline/protocols/failures.py": {
        'told = _message(body) or _message(None) or (f"HTTP {status}" if status else "")': TWICE,
        "fields, listed = as_object(error), as_list(None)": TWICE,
        "error = None": TWICE,
        'return fields or {"XXmessageXX": error}': TWICE,
        'return fields or {"MESSAGE": error}': TWICE,
        'if at < 0 and not message.endswith("}"):': "what does not end with a brace is no JSON object either",
    },
    "pipeline/protocols/gemini_candidate.py": {
        'self.id: str | None = ""': "no call has an empty id, and an id is asked for by its truth",
        "self._reason: FinishReason = None": UNENDED,
        'self._reason: FinishReason = "XXotherXX"': UNENDED,
        'self._reason: FinishReason = "OTHER"': UNENDED,
        'read = ""': "a key that no wire has",
    },
    "pipeline/protocols/gemini_decode.py": {
        "def __init__(self, provider: str | None = None, *, finish_required: bool = False) -> None:": UNREAD,
        'self._usage: Usage | None = ""': "figures are asked for by their truth",
        "if not answer.keys() < _KNOWN:": EMPTY,
        "return self._candidates.get(None) or self._candidates.setdefault(": "setdefault finds it too",
        "self._candidate(None)": "no index is the first",
    },
    "pipeline/protocols/lmstudio_native_decode.py": {
        "def __init__(self, provider: str | None = None, *, finish_required: bool = False) -> None:": UNREAD,
        "super().__init__(provider, finish_required=None)": UNREAD,
        "super().__init__(provider, )": UNREAD,
        'self._model: str | None = ""': "an empty name is no name",
        "if odd or not fields.keys() < set(known):": EMPTY,
    },
    "pipeline/protocols/openai_chat_around.py": {
        'self._usage: Usage | None = ""': "figures are asked for by their truth",
        "if chunk.keys() < _READ:": EMPTY,
    },
    "pipeline/protocols/lmstudio_decode.py": {
        "self._finish_required = None": UNREAD,
        "self._core = LMStudioV1Decode(self._provider, finish_required=None)": UNREAD,
        "self._core = LMStudioV1Decode(self._provider, )": UNREAD,
        'data = item.data.strip() if isinstance(item, SSEEvent) else b"XXXX"': "read of an event alone",
        "return {name: value + earlier.get(name, None) for name, value in figures.items()}": SAME_COUNTS,
        "return {name: value + earlier.get(name, ) for name, value in figures.items()}": SAME_COUNTS,
        "return {name: value + earlier.get(name, 1) for name, value in figures.items()}": SAME_COUNTS,
    },
    "pipeline/protocols/ollama_decode.py": {
        "def __init__(self, provider: str | None = None, *, finish_required: bool = False) -> None:": UNREAD,
        "self._misses = 1": SLOWER,
        "if not self._started or self._misses > _MISSES or self._mended:": SLOWER,
        "said = None": SLOWER,
        "self._misses -= 1": SLOWER,
        "self._misses += 2": SLOWER,
    },
    "pipeline/json_scan.py": {
        "begin = None": "the beginning, all the same",
        'self._depth -= 1 if sign in b"{[" else -1': MIRRORED,
        'self._depth += 1 if sign not in b"{[" else -1': MIRRORED,
        'self._depth += 1 if sign in b"XX{[XX" else -1': "the sign is a bracket",
    },
    "pipeline/json_text.py": {
        "msgspec.json.decode(text, type=None)": SLOWER,
        "msgspec.json.decode(text, )": SLOWER,
        "skip = 0 if self._escaped else -2": "no place, either of them",
        'elif sign in b"XX{[XX":': "the sign is a bracket",
        'elif sign in b"XX}]XX":': "the sign is a bracket",
    },
}
