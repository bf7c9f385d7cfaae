"""Responses that a provider keeps, asked about by their ids: whose they are, and which model made them."""

from adapters.dialects.responses import kept
from adapters.document import Document
from gateway.pipeline.belongings import Owned, keeper_of
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.faults import NoSuchObject
from gateway.state.belongings import Belongings
from routers.policy.policy import Policy


async def recalled(
    exchange: Exchange, body: bytes, policy: Policy, belongings: Belongings, tenant: str, owned: Owned
) -> Document:
    """What an exchange about a response asks. Raises InvalidRequest, NoSuchObject, Overloaded."""
    place = kept.named(exchange.path)
    assert place is not None  # noqa: S101  # or it would not have come here
    name, tail = place
    try:
        keeper = await keeper_of(belongings, tenant, name, owned)
    except NoSuchObject:
        raise NoSuchObject(
            f"Response with id '{name[:80]}' not found. Those can be asked about that their provider keeps "
            '("store": true in the answer), for as long as it does.',
            code=None,
        ) from None
    models = [each.name for each in policy.models.values() if each.backend == keeper.backend]
    if not models:
        raise NoSuchObject(f"The provider that keeps {name[:80]!r} has left the configuration.")
    model = keeper.model if keeper.model in models else models[0]
    return kept.asked(name, kept.action(tail, exchange.method), exchange.query, body, model)
