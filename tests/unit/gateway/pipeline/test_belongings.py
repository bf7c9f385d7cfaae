"""What a provider keeps is found by the tenant that made it or owns it, and by nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from gateway.pipeline.belongings import EVERYTHING, Kept, kept
from gateway.pipeline.faults import NoSuchObject, Overloaded
from gateway.state.belongings import Keeper, Upload
from gateway.state.claims import Gone

REPORT = Upload("file_1", "gpt", frozenset({"level confidential", "type EMAIL"}), 9, 1, "user_data")
NOTED = {
    "resp_1": Keeper("acme", "openai", "http://a"),
    "msg_1": Keeper("acme", "openai", "http://a"),
    "resp_2": Keeper("globex", "openai"),
    "resp_3": Keeper("acme", "azure"),
    "file_1": Keeper("acme", "openai", "http://a", REPORT),
    "file_2": Keeper("acme", "openai", "http://a", replace(REPORT, label=frozenset({"type US_SSN"}))),
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

    async def uploads(self, tenant: str) -> Sequence[Upload]:
        raise AssertionError("nothing is listed here")

    async def forget(self, tenant: str, ids: Sequence[str]) -> None:
        raise AssertionError("nothing is deleted here")

    async def close(self) -> None:
        """Nothing is open."""


async def test_its_own_tenant_finds_it() -> None:
    assert await kept(Noted(), "acme", ("resp_1", "msg_1"), {}) == Kept(
        frozenset({"openai"}), "http://a", None
    )


async def test_nobody_else_does_and_hears_the_same_as_of_what_never_was() -> None:
    words = []
    for name in ("resp_1", "resp_9"):
        with pytest.raises(NoSuchObject) as refused:
            await kept(Noted(), "globex", (name,), {})
        words.append(str(refused.value).replace(name, ""))
    assert words[0] == words[1]


async def test_one_foreign_id_among_own_ones_is_enough() -> None:
    with pytest.raises(NoSuchObject, match="resp_2"):
        await kept(Noted(), "acme", ("resp_1", "resp_2"), {})


async def test_what_two_providers_keep_cannot_go_into_one_request() -> None:
    with pytest.raises(NoSuchObject, match="another provider"):
        await kept(Noted(), "acme", ("resp_1", "resp_3"), {})


async def test_where_nobody_can_tell_it_may_not_be_named() -> None:
    with pytest.raises(Overloaded) as refused:
        await kept(Noted(gone=True), "acme", ("resp_1",), {"openai": frozenset({"*"})})
    assert refused.value.retry_after > 0


async def test_files_that_came_through_bring_what_was_found_in_them() -> None:
    both = await kept(Noted(), "acme", ("file_1", "file_2"), {})
    assert both.label == {"level confidential", "type EMAIL", "type US_SSN"}
    assert (await kept(Noted(), "acme", ("file_1", "resp_1"), {})).label is None, "nobody read the response"


async def test_what_the_configuration_names_is_its_tenants() -> None:
    owned = {"openai": frozenset({"vs_1"}), "azure": frozenset({"*"})}
    assert await kept(Noted(), "globex", ("vs_1",), owned) == Kept(frozenset({"openai"}), "", None)
    assert await kept(Noted(), "globex", ("anything",), owned) == Kept(frozenset({"azure"}), "", None)
    with pytest.raises(NoSuchObject):
        await kept(Noted(), "acme", ("vs_1",), {})


async def test_an_account_of_its_own_does_not_open_what_another_is_known_to_have_made() -> None:
    with pytest.raises(NoSuchObject):
        await kept(Noted(), "globex", ("resp_3",), {"azure": frozenset({"*"})})
    shared = {"azure": frozenset({"resp_3"})}  # unless somebody says so by name
    assert (await kept(Noted(), "globex", ("resp_3",), shared)).backends == {"azure"}


async def test_what_is_in_one_of_several_own_accounts_may_be_in_any() -> None:
    owned = {
        "azure": frozenset({EVERYTHING}),
        "claude": frozenset({EVERYTHING}),
        "gemini": frozenset({"file-7"}),
    }
    found = await kept(Noted(), "globex", ("anything",), owned)
    assert found == Kept(frozenset({"azure", "claude"}), "", None)
    assert await kept(Noted(), "globex", ("file-7",), owned) == Kept(frozenset({"gemini"}), "", None)
    with pytest.raises(NoSuchObject, match="another provider"):
        await kept(Noted(), "globex", ("anything", "file-7"), owned)
