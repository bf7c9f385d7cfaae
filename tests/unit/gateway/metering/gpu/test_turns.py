"""Others get their turn when a slice is over, and not before."""

from gateway.metering.gpu.turns import Turns


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


class Others:
    def __init__(self) -> None:
        self.ran = 0

    async def __call__(self) -> None:
        self.ran += 1


async def test_others_run_when_a_slice_is_over():
    clock, others = Clock(), Others()
    turns = Turns(others, slice_ns=100, few=2, now_ns=clock)
    seen = []
    for few in turns.over(range(10)):
        seen += few
        clock.now += 60
        await turns.pause()
    assert seen == list(range(10))
    assert others.ran == 2  # after 120 and 240 of 300


def test_what_was_added_meanwhile_is_left_out():
    items = [1, 2, 3]
    seen = []
    for few in Turns(few=1).over(items):
        seen += few
        items.append(9)
    assert seen == [1, 2, 3]


async def test_without_a_rest_nothing_waits():
    clock = Clock()
    turns = Turns(slice_ns=0, now_ns=clock)
    clock.now += 1_000
    await turns.pause()


async def test_a_slice_begins_where_others_left_off():
    clock, others = Clock(), Others()
    turns = Turns(others, slice_ns=100, now_ns=clock)
    clock.now = 5_000
    turns.begin()
    await turns.pause()
    assert others.ran == 0


async def test_a_list_is_dropped_in_slices():
    clock, others, left = Clock(), Others(), []

    async def rest() -> None:
        await others()
        left.append(len(items))

    items = list(range(10))
    turns = Turns(rest, slice_ns=0, few=4, now_ns=clock)
    await turns.drop(items)
    assert (items, left) == ([], [6, 2, 0])
