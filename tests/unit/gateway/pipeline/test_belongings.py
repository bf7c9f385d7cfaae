"""What a provider keeps is found by the tenant that made it, and by nobody else."""

import pytest

from adapters.dialects.checks import InvalidRequest
from gateway.pipeline.belongings import Belongings


@pytest.fixture
def kept() -> Belongings:
    belongings = Belongings(most=3)
    belongings.keep("acme", "openai", ("resp_1", "msg_1"))
    return belongings


def test_its_own_tenant_finds_it(kept: Belongings) -> None:
    assert kept.backend("acme", ("resp_1", "msg_1")) == "openai"
    assert kept.backend("acme", ()) is None
    assert kept.backend("globex", ()) is None


def test_nobody_else_does_and_hears_the_same_as_of_what_never_was(kept: Belongings) -> None:
    words = []
    for name in ("resp_1", "resp_9"):
        with pytest.raises(InvalidRequest) as refused:
            kept.backend("globex", (name,))
        words.append(str(refused.value).replace(name, ""))
    assert words[0] == words[1]


def test_one_foreign_id_among_own_ones_is_enough(kept: Belongings) -> None:
    kept.keep("globex", "openai", ("resp_2",))
    with pytest.raises(InvalidRequest):
        kept.backend("acme", ("resp_1", "resp_2"))


def test_an_id_stays_with_whoever_had_it_first(kept: Belongings) -> None:
    kept.keep("globex", "openai", ("resp_1",))
    assert kept.backend("acme", ("resp_1",)) == "openai"
    with pytest.raises(InvalidRequest):
        kept.backend("globex", ("resp_1",))


def test_what_two_providers_keep_cannot_go_into_one_request(kept: Belongings) -> None:
    kept.keep("acme", "azure", ("resp_2",))
    with pytest.raises(InvalidRequest, match="another provider"):
        kept.backend("acme", ("resp_1", "resp_2"))


def test_the_oldest_is_forgotten_first(kept: Belongings) -> None:
    kept.keep("acme", "openai", ("resp_2", "resp_3"))
    with pytest.raises(InvalidRequest):
        kept.backend("acme", ("resp_1",))
    assert kept.backend("acme", ("msg_1", "resp_2", "resp_3")) == "openai"
