"""Upper estimates: what a request may come to use, known before it is sent.

They are meant to be passed seldom, not never: a prompt's tokens are bounded by its bytes, an answer's by what
the client asked for or by a configured figure, GPU time by a configured figure. What a request really used is
settled after it, over the estimate or under it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from adapters.chat import TokenUsage
from gateway.metering.budgets.limits import gpu_micros, nano_dollars
from gateway.metering.charges import Charge

BYTES_PER_TOKEN: Final = 3  # at least, in the common tokenizers, of prose in any script
MEDIA_TOKENS: Final = 16_384  # of a request with pictures, sounds or files, whose bytes say little


class Tariff(Protocol):
    """How a model is charged."""

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        """The bill for one attempt."""


class Upper(NamedTuple):
    """The most that a request is thought to use: nano-dollars and GPU-microseconds."""

    usd: int
    gpu: int


class Way(NamedTuple):
    """One way to serve a request: the targets that may be tried (by their place in the decision), and the most
    that any of them may use."""

    targets: tuple[int, ...]
    upper: Upper


def prompt_tokens(size: int, estimate: int, *, media: bool) -> int:
    """The most tokens a prompt is thought to have: `size` is the request's characters as JSON text, `estimate` its
    usual estimate, `media` whether there is more in it than text."""
    most = size // BYTES_PER_TOKEN + 1
    return min(most, 2 * estimate + MEDIA_TOKENS) if media else most


def upper(tariff: Tariff, prompt: int, output: int, gpu_ns: int, at_ns: int) -> Upper | None:
    """What an attempt may use, in tokens and GPU time at most those given; None: its price is unknown."""
    charge = tariff.charge(TokenUsage(input=prompt, output=output, source="estimated"), gpu_ns, at_ns)
    return None if charge.usd is None else Upper(nano_dollars(charge.usd), gpu_micros(gpu_ns))


def ways(uppers: Sequence[Upper], *, downgrade: bool) -> list[Way]:
    """The ways to serve a request with targets of those estimates, in the decision's order: all of them first,
    then fewer and fewer, as the dearer ones are left out. The first target stays, unless a downgrade may leave it
    out."""
    if len(uppers) == 1:
        return [Way((0,), uppers[0])]
    whole = tuple(range(len(uppers)))
    found, seen = [Way(whole, _most(uppers))], {whole}
    for usd, gpu in sorted(set(uppers), reverse=True):
        kept = tuple([number for number, each in enumerate(uppers) if each[0] <= usd and each[1] <= gpu])
        if kept not in seen and (downgrade or kept[0] == 0):
            seen.add(kept)
            found.append(Way(kept, _most([uppers[number] for number in kept])))
    return found


def escalating(plain: Sequence[Way], further: Sequence[Upper], mark: int) -> list[Way]:
    """The same ways, each before that with room for a second answer of one of the `further` estimates; such a way has
    `mark` among its targets."""
    more = _most(further)
    with_room = (
        Way((*way.targets, mark), Upper(way.upper.usd + more.usd, way.upper.gpu + more.gpu)) for way in plain
    )
    return [each for pair in zip(with_room, plain, strict=True) for each in pair]


def _most(uppers: Sequence[Upper]) -> Upper:
    return Upper(max([each.usd for each in uppers]), max([each.gpu for each in uppers]))
