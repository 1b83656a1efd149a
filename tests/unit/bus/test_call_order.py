"""Concurrent publishing keeps the order of its calls, over failures too."""

import asyncio

import pytest

from shared.bus.callorder import CallOrder
from shared.bus.port import BusUnavailable, UnknownTopic


async def test_turns_are_taken_in_the_order_of_the_calls():
    order, taken = CallOrder(), []

    async def call(number: int) -> None:
        async with order.turn():
            await asyncio.sleep(0)
            taken.append(number)

    await asyncio.gather(*(call(number) for number in range(20)))

    assert taken == list(range(20))


async def test_whoever_waits_behind_a_failure_fails_and_whoever_comes_later_does_not():
    order, entered = CallOrder(), asyncio.Event()

    async def fails() -> None:
        async with order.turn():
            entered.set()
            await asyncio.sleep(0.01)
            raise OSError

    async def waits() -> None:
        async with order.turn():
            pytest.fail("overtook the call before it")

    first = asyncio.create_task(fails())
    await entered.wait()
    with pytest.raises(BusUnavailable, match="earlier publish failed"):
        await waits()
    with pytest.raises(OSError):
        await first
    async with order.turn():
        pass


async def test_a_mistake_of_one_caller_is_no_matter_to_the_next():
    order, entered = CallOrder(), asyncio.Event()

    async def mistaken() -> None:
        async with order.turn():
            entered.set()
            await asyncio.sleep(0.01)
            raise UnknownTopic

    first = asyncio.create_task(mistaken())
    await entered.wait()
    async with order.turn():
        pass
    with pytest.raises(UnknownTopic):
        await first
