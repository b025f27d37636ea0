"""The weights of a tiny qwen2 model that says what it is told to: random vectors, wired by hand.

Law of this file: numbers only; how they are written down stands in formats.py. Each token has a random
vector, and each vector leads to the next token. One head matters: a switch draws all its attention, and so
the last token of the question knows how the answer begins. The other layers are zeros, and cost time as
real ones do. So a real server gives a known answer, at any temperature.
"""

import random
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from tests.real.vocabulary import CHAINS, TOKENS, number_of

WIDTH, HEAD, HEADS, LAYERS, INNER = 128, 64, 2, 4, 4096
CONTEXT = 4096
ROPE = 1e6
_RANDOM = 96
"""Numbers of a vector that are random; those after it say that a token is a switch, and which."""
_MARK, _WHICH = _RANDOM, _RANDOM + 1
_SIZE = 4.0
"""Of both: a switch's vector is about as long as any other."""
_STEADY = HEAD // 2 - 1
"""The number of a head that a position turns least."""
_DRAW = 60.0
"""How much attention a switch draws: more than thousands of other tokens."""
_TOLD, _LED, _OTHERWISE = 4.0, 2.5, 1.15
"""How loudly a switch is told to the others; how far it leads; how far the first chain leads without one."""

Tensor = tuple[tuple[int, ...], "array[float]"]
"""A shape, rows first, and its numbers."""
_Cells = Mapping[tuple[int, int], float]


def tensors() -> Iterator[tuple[str, Tensor]]:
    """All tensors of the model, by transformers' names."""
    known = _vectors()
    yield "model.embed_tokens.weight", _table(known)
    for layer in range(LAYERS):
        for name, tensor in _layer(wired=layer == 0):
            yield f"model.layers.{layer}.{name}", tensor
    yield "model.norm.weight", _ones()
    yield "lm_head.weight", _table(_leads(known))


def _vectors() -> list[list[float]]:
    numbers = random.Random(7)  # noqa: S311 - any numbers will do, but the same each time
    known = [
        [numbers.choice((-1.0, 1.0)) for _ in range(_RANDOM)] + [0.0] * (WIDTH - _RANDOM) for _ in TOKENS
    ]
    for which, switch in enumerate(CHAINS):
        vector = known[number_of(switch)]
        vector[_MARK] = vector[_WHICH + which] = _SIZE
    return known


def _leads(known: Sequence[Sequence[float]]) -> list[list[float]]:
    """For each token, the vector after which it is said. A question ends with a newline."""
    said = [[0.0] * WIDTH for _ in known]
    for which, chain in enumerate(CHAINS.values()):
        first = number_of(chain[0])
        said[first] = [(1.0 if which else _OTHERWISE) * value for value in known[number_of("\n")]]
        said[first][_WHICH + which] = _LED
        for before, after in pairwise(chain):
            lead = known[number_of(before)]
            said[number_of(after)] = [
                old + new for old, new in zip(said[number_of(after)], lead, strict=True)
            ]
    return said


def _layer(*, wired: bool) -> Iterator[tuple[str, Tensor]]:
    which = range(len(CHAINS))
    key = {(_STEADY, _MARK): 1.0} if wired else {}
    value = {(place, _WHICH + place): 1.0 for place in which} if wired else {}
    told = {(_WHICH + place, place): _TOLD for place in which} if wired else {}
    yield "input_layernorm.weight", _ones()
    for name, cells in (("q", {}), ("k", key), ("v", value)):
        yield f"self_attn.{name}_proj.weight", _matrix(HEADS * HEAD, WIDTH, cells)
        yield f"self_attn.{name}_proj.bias", _bias(_DRAW if wired and name == "q" else 0.0)
    yield "self_attn.o_proj.weight", _matrix(WIDTH, HEADS * HEAD, told)
    yield "post_attention_layernorm.weight", _ones()
    yield "mlp.gate_proj.weight", _matrix(INNER, WIDTH, {})
    yield "mlp.up_proj.weight", _matrix(INNER, WIDTH, {})
    yield "mlp.down_proj.weight", _matrix(WIDTH, INNER, {})


def _matrix(rows: int, columns: int, cells: _Cells) -> Tensor:
    numbers = array("f", bytes(4 * rows * columns))
    for (row, column), value in cells.items():
        numbers[row * columns + column] = value
    return (rows, columns), numbers


def _table(rows: Sequence[Sequence[float]]) -> Tensor:
    return (len(rows), WIDTH), array("f", [value for row in rows for value in row])


def _bias(steady: float) -> Tensor:
    numbers = array("f", bytes(4 * HEADS * HEAD))
    numbers[_STEADY] = steady
    return (HEADS * HEAD,), numbers


def _ones() -> Tensor:
    return (WIDTH,), array("f", [1.0] * WIDTH)
