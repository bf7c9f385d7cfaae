"""Redact-and-send through a whole Weir: what leaves holds no value, what comes back holds them all, and what is not
certain stays home. The stand-ins outside repeat whatever they were sent."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from anthropic import Anthropic
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from openai import OpenAI

from gateway.sandbox import anthropic, completions, openai
from gateway.sandbox.answers import Answer, ToolCall
from gateway.sandbox.asks import Ask
from tests.integration.redactable import (
    DIALECTS,
    ELSEWHERE,
    PATHS,
    PLACEHOLDER,
    SPOKEN,
    TOOL,
    hidden,
    request,
    said,
)
from tests.integration.sandboxed import HELLO, POLICY, Sandboxed

HEALTH: Final = "  - {name: health, data: {category: [HEALTH]}, only: {inside: true}}\nroutes:"


def policy() -> str:
    """The sandbox's policy: confidential data may go outside redacted, health data not at all."""
    text = POLICY.replace("only: {inside: true}}", "only: {inside: true}, outside: {if: redacted}}")
    instruct = "  instruct: {backend: openai, upstream: gpt-3.5-turbo-instruct, can: [completions]}\naliases:"
    return text.replace("aliases:", instruct).replace("routes:", HEALTH)


class Echo:
    """What the stand-ins outside answer: everything they were told, in pieces of `size`, or as a tool's argument."""

    def __init__(self) -> None:
        self.size = 7

    def __call__(self, ask: Ask, *, seed: int = 0) -> Answer:
        text = " | ".join(text for role, text in ask.turns if role != "tools")
        if ask.tools:
            return Answer((), (ToolCall(ask.tools[0].name, json.dumps({"said": text})),))
        return Answer(tuple(text[at : at + self.size] for at in range(0, len(text), self.size)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    patched = pytest.MonkeyPatch()
    echo = Echo()
    for module in (anthropic, completions, openai):
        patched.setattr(module, "compose", echo)
    running = Sandboxed(tmp_path_factory.mktemp("weir"), policy())
    running.echo = echo  # type: ignore[attr-defined]  # for the tests to set its pieces
    yield running
    running.stop()
    patched.undo()


def sent(weir: Sandboxed) -> list[bytes]:
    """Every body that left."""
    parts = (weir.sandbox.openai.received, weir.sandbox.anthropic.received)
    return [part[i].body for part in parts for i in range(len(part))]


VALUES: Final = st.sampled_from(
    [
        "536-22-8741",
        "jane.miller@acme-widgets.com",
        "DE89 3704 0044 0532 0130 00",
        "4111 1111 1111 1111",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "+49 30 901820123",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    dialect=st.sampled_from(DIALECTS),
    place=st.sampled_from(SPOKEN + ELSEWHERE),
    value=VALUES,
    model=st.sampled_from(["gpt", "claude"]),
    tools=st.booleans(),
    stream=st.booleans(),
    size=st.integers(1, 30),
)
def test_no_value_leaves_and_every_value_comes_back(
    whole: Sandboxed, dialect, place, value, model, tools, stream, size
) -> None:
    whole.calm()
    whole.echo.size = size  # type: ignore[attr-defined]  # set by the fixture
    body = request(dialect, place, value, tools=tools)
    if dialect == "completions":
        model = "instruct"
    status, headers, answer = whole.post(
        {"model": model, "stream": stream, **body}, path=f"/v1/{PATHS[dialect]}"
    )
    bodies = sent(whole)
    assert hidden(value, bodies)
    assert status in (200, 400, 403), answer
    if place in SPOKEN or dialect == "completions":
        assert (status, len(bodies)) == (200, 1), answer
    if place in ELSEWHERE and dialect != "completions" and not (place == "description" and not tools):
        assert (status, bodies) != (200, []), "nothing but the stand-ins outside was asked for"
    if not bodies:
        event("stayed")
        return
    event(f"left as {dialect}")
    if place in SPOKEN or dialect == "completions":
        assert headers["x-weir-redacted"].endswith("=1")
        text = said(dialect, stream, answer)
        assert value in text
        assert not PLACEHOLDER.search(text)


STAYING: Final = {
    "a condition": "My wife was diagnosed with diabetes; mail jane.miller@acme-widgets.com",
    "a marking": "TLP:RED\nWrite to jane.miller@acme-widgets.com",
    "an address": "I live at 12 Elm Street; mail jane.miller@acme-widgets.com",
    "a hidden value": "SSN 536-22-8741 and card \uff14\uff11\uff11\uff11 1111 1111 1111",
    "encoded": "mail amFuZS5taWxsZXJAYWNtZS13aWRnZXRzLmNvbSBpcyBtaW5l",
    "an open password": "my password is correct7 horse battery",
    "a reformatted value": "My SSN is 536-22-8741, the scan of it is ssn_536_22_8741.pdf",
}


@pytest.mark.parametrize("text", STAYING.values(), ids=STAYING.keys())
def test_what_cannot_be_replaced_with_certainty_stays_home(weir: Sandboxed, text: str) -> None:
    messages = [{"role": "user", "content": text}]
    status, _, answer = weir.ask(messages, model="gpt")
    assert (status, answer["error"]["code"]) == (403, "blocked_by_policy")
    status, headers, answer = weir.ask(messages, x_weir_workflow="hard", x_weir_debug="1")
    assert (status, headers["x-weir-model"]) == (200, "llama")
    assert "x-weir-redacted" not in headers
    assert answer["weir"]["redacted"] == {}
    assert sent(weir) == []


def test_unread_parts_health_and_what_a_client_claims_stay_home(weir: Sandboxed) -> None:
    mail = {"type": "text", "text": "mail jane.miller@acme-widgets.com"}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert weir.ask([{"role": "user", "content": [mail, image]}], model="gpt")[0] == 403
    assert weir.ask([{"role": "user", "content": "Patient, MRN: 00482913"}], model="gpt")[0] == 403
    assert (
        weir.ask([{"role": "user", "content": [mail]}], model="gpt", x_weir_sensitivity="confidential")[0]
        == 403
    )
    assert sent(weir) == []
    assert weir.ask([{"role": "user", "content": [mail]}], model="gpt")[0] == 200


def test_facts_are_types_and_counts_and_never_a_value(weir: Sandboxed) -> None:
    messages = [
        {
            "role": "user",
            "content": "a.b@acme-widgets.com, c.d@acme-widgets.com, a.b@acme-widgets.com, SSN 536-22-8741",
        }
    ]
    status, headers, answer = weir.ask(messages, model="claude", x_weir_debug="1")
    assert (status, headers["x-weir-redacted"]) == (200, "EMAIL_ADDRESS=2, US_SSN=1")
    assert headers["x-weir-sensitivity"] == "restricted"
    assert answer["weir"]["redacted"] == {"EMAIL_ADDRESS": 2, "US_SSN": 1}
    assert answer["choices"][0]["message"]["content"] == messages[0]["content"]
    assert "acme-widgets" not in json.dumps(answer["weir"])
    row = weir.rows("requests")[-1]
    assert json.loads(row["redacted"]) == {"EMAIL_ADDRESS": 2, "US_SSN": 1}
    assert (row["outcome"], row["usage_source"], row["level"]) == ("ok", "reported", "restricted")
    assert row["input_tokens"] > 0
    assert "acme-widgets" not in json.dumps(row)
    assert "[EMAIL_ADDRESS_1]" in sent(weir)[0].decode()
    assert "weir_redacted_values_total{" in weir.service.pipeline._till.metrics.render().decode()


def test_home_models_get_the_request_as_it_came(weir: Sandboxed) -> None:
    messages = [{"role": "user", "content": "mail jane.miller@acme-widgets.com"}]
    status, headers, _ = weir.ask(messages, model="llama")
    assert (status, "x-weir-redacted" in headers) == (200, False)
    assert b"jane.miller@acme-widgets.com" in weir.sandbox.vllm.received[0].body
    assert json.loads(weir.rows("requests")[-1]["redacted"]) == {}


def test_a_fallback_home_gets_the_values_after_an_outside_one_got_none(weir: Sandboxed) -> None:
    weir.run(weir.sandbox.openai.fault("500"))
    weir.run(weir.sandbox.anthropic.fault("500"))
    messages = [{"role": "user", "content": "mail jane.miller@acme-widgets.com"}]
    status, headers, _ = weir.ask(messages, x_weir_workflow="hard")
    assert (status, headers["x-weir-model"], "x-weir-redacted" in headers) == (200, "llama", False)
    assert len(sent(weir)) == 2
    assert hidden("jane.miller@acme-widgets.com", sent(weir))
    assert b"jane.miller@acme-widgets.com" in weir.sandbox.vllm.received[0].body
    assert json.loads(weir.rows("requests")[-1]["redacted"]) == {"EMAIL_ADDRESS": 1}


def test_a_conversation_goes_on_redacted_while_it_shows_what_it_had_and_not_when_it_is_cut(
    weir: Sandboxed,
) -> None:
    first = {"role": "user", "content": "My SSN is 536-22-8741"}
    _, _, answer = weir.ask([first], model="gpt", x_weir_conversation="r1")
    reply = {"role": "assistant", "content": answer["choices"][0]["message"]["content"]}
    assert reply["content"] == first["content"]
    more = [first, reply, {"role": "user", "content": "And in short?"}]
    status, headers, _ = weir.ask(more, model="claude", x_weir_conversation="r1")
    assert (status, headers["x-weir-redacted"]) == (200, "US_SSN=1")
    assert hidden("536-22-8741", sent(weir))
    assert weir.ask(HELLO, model="gpt", x_weir_conversation="r1")[0] == 403
    mail = [{"role": "user", "content": "mail jane.miller@acme-widgets.com"}]
    assert weir.ask(mail, model="gpt", x_weir_conversation="r1")[0] == 403, (
        "the number of before is not in it"
    )
    assert weir.ask(mail, model="gpt", x_weir_conversation="r2", x_weir_sensitivity="restricted")[0] == 403
    assert weir.ask(mail, model="gpt", x_weir_conversation="r2")[0] == 403, "what was claimed once holds"


def test_whatever_breaks_nothing_leaves(weir: Sandboxed, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = [{"role": "user", "content": "mail jane.miller@acme-widgets.com"}]
    for broken in ("plan", "replaced", "remains", "left_over"):
        with monkeypatch.context() as patched:
            patched.setattr(f"gateway.pipeline.redacting.redaction.{broken}", lambda *_: 1 / 0)
            assert weir.ask(mail, model="gpt")[0] == 403
    with monkeypatch.context() as patched:
        patched.setattr("gateway.pipeline.redacting.LARGEST", 10)
        assert weir.ask(mail, model="gpt")[0] == 403
    assert sent(weir) == []
    assert weir.ask(mail, model="gpt")[0] == 200


def test_the_placeholders_of_a_refused_request_are_all_that_a_provider_can_quote(weir: Sandboxed) -> None:
    weir.run(weir.sandbox.openai.fault("400"))
    mail = [{"role": "user", "content": "mail jane.miller@acme-widgets.com"}]
    assert weir.ask(mail, model="gpt")[0] == 400
    weir.run(weir.sandbox.openai.fault("cut"))
    status, _, answer = weir.ask(mail, model="gpt", stream=True)
    assert status == 200
    assert b'"error"' in answer, "a cut stream is no clean end"
    assert b"[DONE]" not in answer


def test_official_clients_put_the_streams_together(weir: Sandboxed) -> None:
    weir.echo.size = 3  # type: ignore[attr-defined]  # set by the fixture
    text = "mail jane.miller@acme-widgets.com about 536-22-8741"
    tools: Any = [
        {"type": "function", "name": "note", "description": "Notes", "parameters": TOOL, "strict": False}
    ]
    with OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=0) as client:
        with client.responses.stream(model="gpt", input=text) as stream:
            events = list(stream)
            assert stream.get_final_response().output_text == text
        done = [event for event in events if event.type == "response.output_text.done"]
        assert [event.text for event in done] == [text]
        response = client.responses.create(model="claude", input=text, tools=tools)
        (call,) = (item for item in response.output if item.type == "function_call")
        assert json.loads(call.arguments) == {"said": text}
        chunks = client.chat.completions.create(
            model="claude", messages=[{"role": "user", "content": text}], stream=True
        )
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == text
    with (
        Anthropic(base_url=weir.url, api_key=weir.key, max_retries=0) as caller,
        caller.messages.stream(
            model="claude", max_tokens=100, messages=[{"role": "user", "content": text}]
        ) as told,
    ):
        assert told.get_final_text() == text
    assert len(sent(weir)) == 4
    assert hidden("jane.miller@acme-widgets.com", sent(weir))
    assert hidden("536-22-8741", sent(weir))
