"""What a provider keeps is found by the tenant that made it, and by nobody else."""

from collections.abc import Mapping, Sequence

import pytest

from adapters.dialects.checks import InvalidRequest
from gateway.pipeline.belongings import keeper_of
from gateway.pipeline.faults import Overloaded
from gateway.state.belongings import Keeper
from gateway.state.claims import Gone

NOTED = {
    "resp_1": Keeper("acme", "openai"),
    "msg_1": Keeper("acme", "openai"),
    "resp_2": Keeper("globex", "openai"),
    "resp_3": Keeper("acme", "azure"),
}


class Noted:
    """Belongings that are what they are; or gone."""

    def __init__(self, *, gone: bool = False) -> None:
        self.gone = gone

    async def keep(self, keeper: Keeper, ids: Sequence[str]) -> None:
        raise AssertionError("nothing is made here")

    async def keepers(self, ids: Sequence[str]) -> Mapping[str, Keeper]:
        if self.gone:
            raise Gone("away")
        return {name: NOTED[name] for name in ids if name in NOTED}

    async def close(self) -> None:
        """Nothing is open."""


async def test_its_own_tenant_finds_it() -> None:
    assert await keeper_of(Noted(), "acme", ("resp_1", "msg_1")) == "openai"


async def test_nobody_else_does_and_hears_the_same_as_of_what_never_was() -> None:
    words = []
    for name in ("resp_1", "resp_9"):
        with pytest.raises(InvalidRequest) as refused:
            await keeper_of(Noted(), "globex", (name,))
        words.append(str(refused.value).replace(name, ""))
    assert words[0] == words[1]


async def test_one_foreign_id_among_own_ones_is_enough() -> None:
    with pytest.raises(InvalidRequest, match="resp_2"):
        await keeper_of(Noted(), "acme", ("resp_1", "resp_2"))


async def test_what_two_providers_keep_cannot_go_into_one_request() -> None:
    with pytest.raises(InvalidRequest, match="another provider"):
        await keeper_of(Noted(), "acme", ("resp_1", "resp_3"))


async def test_where_nobody_can_tell_it_may_not_be_named() -> None:
    with pytest.raises(Overloaded) as refused:
        await keeper_of(Noted(gone=True), "acme", ("resp_1",))
    assert refused.value.retry_after > 0
