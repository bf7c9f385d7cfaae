"""A body is its parts joined; a long one leaves the loop to others meanwhile."""

import asyncio

import pytest

from gateway.api.bodies import AT_ONCE, joined


@pytest.mark.parametrize("size", [0, 10, 100_000])
async def test_a_body_is_its_parts(size: int) -> None:
    parts = [b"ab" * size, b"c", b""]
    assert await joined(parts, 2 * size + 1) == b"ab" * size + b"c"


async def test_others_have_their_turn_while_a_long_one_is_joined() -> None:
    parts = [bytes([number % 256]) * 65_536 for number in range(100)]
    expected, beats = b"".join(parts), 0
    assert len(expected) > AT_ONCE

    async def heart() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.ensure_future(heart())
    assert await joined(parts, len(expected)) == expected
    beating.cancel()
    assert parts == []
    assert beats > 10
