"""Reasoning that stands in the text between tags: where it begins and ends in one choice's text.

Law of this file: the text of one choice as it was sent goes in, pieces with their channel come out,
wherever it was cut; what waits is only what could be a tag. It knows no events.

Nothing is taken out but the tags. An opening tag counts only where the text begins (white space may
stand before it), behind a closing tag, or behind a tool call: anywhere else it is what the model
says. In reasoning, a closing tag inside an inline code span is text. In text, a closing tag that
nothing opened says that all before it was reasoning (the template had opened it already), unless it
stands in code, or an opening tag was mentioned before it.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from tokenweir.stages.code_spans import CodeSpans
from tokenweir.stages.text_marks import Marks

Place = Literal["text", "reasoning", "moved"]
"""Where a piece belongs; `moved`: it is all text so far, and what of it was given as text is reasoning."""

Break = Literal["pause", "tool call", "trust"]
"""What comes between text: something else; a tool call, after which the text begins anew and may begin
with reasoning; or reasoning that the backend took apart itself, so that nothing is assumed any more."""

_KINDS = get_args(Break)

TAGS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),  # DeepSeek, Qwen, GLM, MiniMax, Nemotron and most others
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker, Sky-T1
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    # gpt-oss, where its server does not take the channels apart
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
)
"""Pairs that models are known to write."""


class Tags:
    """Pairs of tags, ready to be looked for."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.opening = Marks(opening for opening, _ in pairs)
        self.closing = Marks(closing for _, closing in pairs)
        self.any = Marks(tag for pair in pairs for tag in pair)
        self.closer = {opening: Marks([closing]) for opening, closing in pairs}


class Splitter:
    """The text of one choice. `assumed`: it begins inside reasoning, as far as is known."""

    def __init__(self, tags: Tags, *, assumed: bool) -> None:
        self.assumed = assumed  # nothing has confirmed it yet
        self.parts: list[str] = []
        self.breaks: list[tuple[int, Break]] = []
        self.length = 0
        self._tags = tags
        self._state: Literal["start", "reasoning", "text", "plain"] = "start"
        self._closing = tags.closing
        self._orphans = True  # a closing tag that nothing opened may still come
        self._waiting = ""
        self._code = CodeSpans()
        self._unscanned: list[str] = []

    @property
    def raw(self) -> str:
        """All of the text as it was sent."""
        return "".join(self.parts)

    def feed(self, text: str) -> list[tuple[Place, str]]:
        """More text."""
        self.parts.append(text)
        self.length += len(text)
        if self._state == "plain":
            return [("text", text)]
        out: list[tuple[Place, str]] = []
        rest, self._waiting = self._waiting + text, ""
        while rest:
            rest = self._start(rest, out) if self._state == "start" else self._body(rest, out)
        return out

    def interrupt(self, kind: Break) -> list[tuple[Place, str]]:
        """Something comes between: what waits was no tag."""
        if (self.length, kind) not in self.breaks[-len(_KINDS) :]:
            self.breaks.append((self.length, kind))
        waiting, self._waiting = self._waiting, ""
        place: Place = "reasoning" if self._state == "reasoning" or self.assumed else "text"
        if waiting and self._state == "start":
            self._settle()
        if waiting:
            self._unscanned.append(waiting)
        if kind == "tool call":
            self._begin()
        elif kind == "trust":
            self._trust()
        return [(place, waiting)] if waiting else []

    def _trust(self) -> None:
        self._orphans = False
        if self._state == "start":
            self.assumed = False
        elif self._state == "text":
            self._state = "plain"

    def _begin(self) -> None:
        """The next text stands where an opening tag counts, and what came before is settled."""
        self._state, self.assumed, self._orphans = "start", False, False

    def _start(self, rest: str, out: list[tuple[Place, str]]) -> str:
        body = rest.lstrip()
        if len(body) < len(rest):
            out.append(("reasoning" if self.assumed else "text", rest[: len(rest) - len(body)]))
        tag = self._tags.any.at_start(body)
        if tag is None:
            if body and not self._tags.any.begins(body):
                self._settle()
                return body
            self._waiting = body
            return ""
        self._begin()
        if tag in self._tags.closer:
            self._enter(self._tags.closer[tag])
        return body[len(tag) :]

    def _settle(self) -> None:
        """No tag begins this text."""
        if self.assumed:
            self._enter(self._tags.closing)
        else:
            self._state = "text" if self._orphans else "plain"

    def _enter(self, closing: Marks) -> None:
        self._state, self._closing = "reasoning", closing
        self._code, self._unscanned = CodeSpans(), []

    def _body(self, rest: str, out: list[tuple[Place, str]]) -> str:
        """Reasoning, or text in which a closing tag may still come, up to that tag."""
        begin = scanned = 0
        while self._state != "plain" and (found := self._closing.first(rest, begin)):
            at, tag = found
            self._scan(rest[scanned:at])
            begin, scanned = at + len(tag), at
            if self._literal():
                continue
            before = self.length - len(rest)
            if self._state == "text" and before:
                out.append(("moved", self.raw[: before + at]))
            elif at:
                out.append(("reasoning", rest[:at]))
            self._begin()
            return rest[begin:]
        waiting = 0 if self._state == "plain" else self._closing.held(rest, begin)
        end = len(rest) - waiting
        self._waiting = rest[end:]
        self._unscanned.append(rest[scanned:end])
        if end:
            out.append(("reasoning" if self._state == "reasoning" else "text", rest[:end]))
        return ""

    def _scan(self, text: str) -> None:
        text = "".join([*self._unscanned, text])
        self._unscanned = []
        self._code.scan(text)
        if self._state == "text" and self._tags.opening.first(text):
            self._state = "plain"

    def _literal(self) -> bool:
        """Whether the closing tag behind what was scanned is something that the model talks about. A
        fence does not protect it in reasoning: where a budget ends, reasoning is broken off anywhere."""
        return self._state == "plain" or self._code.inline or (self._state == "text" and self._code.fenced)
