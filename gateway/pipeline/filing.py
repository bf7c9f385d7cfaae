"""Files on their way to and from the providers that keep them: what is asked, and what is noted of it."""

import asyncio

from adapters.call import Call
from adapters.dialects import files
from adapters.dialects.files import Action
from adapters.document import AT_ONCE, Document
from gateway.pipeline.belongings import Owned, keeper_of
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.faults import NoSuchObject
from gateway.pipeline.remembering import words_of
from gateway.state.belongings import Belongings, Upload
from routers.policy.policy import Policy
from routers.sensitivity.label import Label


async def document_of(
    exchange: Exchange, body: bytes, policy: Policy, belongings: Belongings, tenant: str, owned: Owned
) -> Document:
    """What an exchange about files asks. Raises InvalidRequest, NoSuchObject, Overloaded."""
    anthropics = exchange.header(b"anthropic-version") is not None
    place = files.named(exchange.path)
    if place is None:
        kind = exchange.header(b"content-type") or b""
        if len(body) > AT_ONCE:
            return await asyncio.to_thread(files.uploaded, body, kind, anthropics=anthropics)
        return files.uploaded(body, kind, anthropics=anthropics)
    name, content = place
    keeper = await keeper_of(belongings, tenant, name, owned)
    action: Action = "content" if content else "delete" if exchange.method == "DELETE" else "retrieve"
    if content and exchange.method == "DELETE":
        raise NoSuchObject("A file's content cannot be deleted by itself: delete the file.")
    asked = keeper.file.model if keeper.file is not None else ""
    models = [each.name for each in policy.models.values() if each.backend == keeper.backend]
    if not models:
        raise NoSuchObject(f"The provider that keeps {name[:80]!r} has left the configuration.")
    return files.asked(name, action, asked if asked in models else models[0], anthropics=anthropics)


def upload(call: Call, name: str, model: str, label: Label, at_ns: int) -> Upload:
    """What is noted of a file that came through; `model`: the one whose provider took it."""
    values = call.document.values
    size = files.size(call.document)
    return Upload(name, model, words_of(label), size, at_ns // 1_000_000_000, values["purpose"])
