"""Files through a whole Weir with OpenAI's own library: uploaded, named in requests, fetched, deleted, kept apart."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.integration.sandboxed import POLICY, PROVIDER_KEY, Sandboxed

FILES = (
    POLICY.replace("vision, reasoning]", "vision, reasoning, files]")
    .replace("can: [tools, vision]", "can: [tools, vision, files]")
    .replace("aliases: {auto: routed}", "aliases: {auto: routed, files: gpt}")
)
NOTES = ("notes.txt", b"The weir was mended on Tuesday.", "text/plain")
SECRET = ("form.txt", b"My SSN is 536-22-8741, file my form.", "text/plain")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    weir = Sandboxed(tmp_path_factory.mktemp("weir"), FILES)
    yield weir
    weir.stop()


@pytest.fixture
def weir(running: Sandboxed) -> Sandboxed:
    running.calm()
    return running


def asking(name: str) -> list[Any]:
    return [
        {"role": "user", "content": [{"type": "file", "file": {"file_id": name}}, {"type": "text", "text": "When?"}]}
    ]  # fmt: skip


def test_a_file_is_uploaded_and_named_in_chat_and_responses(client: openai.OpenAI, weir: Sandboxed) -> None:
    file = client.files.create(file=NOTES, purpose="user_data")
    assert (file.filename, file.bytes, file.status) == ("notes.txt", len(NOTES[1]), "processed")
    sent = weir.sandbox.openai.received[-1]
    assert sent.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    row = weir.rows("requests")[-1]
    assert (row["dialect"], row["model"], row["outcome"], row["level"]) == ("files", "gpt", "ok", "internal")
    assert (row["usd"], row["input_tokens"], row["output_tokens"]) == ("0", 0, 0)
    raw = client.chat.completions.with_raw_response.create(model="auto", messages=asking(file.id))
    assert raw.headers["x-weir-model"] == "gpt", "where the file is, though `auto` prefers the model at home"
    assert raw.headers["x-weir-sensitivity"] == "internal", "it was read when it came through"
    part: Any = {"role": "user", "content": [{"type": "input_file", "file_id": file.id}]}
    assert client.responses.create(model="gpt", input=[part]).output_text
    with pytest.raises(openai.BadRequestError, match="keeps what this request names"):
        client.chat.completions.create(model="claude", messages=asking(file.id))


def test_it_is_looked_at_listed_fetched_and_deleted(client: openai.OpenAI, weir: Sandboxed) -> None:
    file = client.files.create(
        file=NOTES, purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert b"expires_after[seconds]" in weir.sandbox.openai.received[-1].body
    assert client.files.retrieve(file.id).filename == "notes.txt"
    assert client.files.content(file.id).read() == NOTES[1]
    assert file.id in [each.id for each in client.files.list(purpose="user_data")]
    assert file.id not in [each.id for each in client.files.list(purpose="vision")]
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt", messages=asking(file.id))
    assert file.id not in [each.id for each in client.files.list()]
    assert [row["dialect"] for row in weir.rows("requests")][-5:] == ["file", "file", "file", "file", "chat"]


def test_it_is_forgotten_before_its_deletion_is_told(client: openai.OpenAI, weir: Sandboxed) -> None:
    file = client.files.create(file=NOTES, purpose="user_data")
    weir.calm()
    (path,) = weir.folder.glob("*.belongings.sqlite")
    noted = sqlite3.connect(path)
    noted.execute("BEGIN IMMEDIATE")  # nothing can be forgotten
    with ThreadPoolExecutor(1) as pool:
        deleted = pool.submit(client.files.delete, file.id)
        assert not wait([deleted], 0.5).done
        noted.rollback()
        assert deleted.result().deleted
    noted.close()
    with pytest.raises(openai.NotFoundError, match="No such object"):
        client.chat.completions.create(model="gpt", messages=asking(file.id))


def test_no_other_tenant_can_name_it(client: openai.OpenAI, stranger: openai.OpenAI, weir: Sandboxed) -> None:
    file = client.files.create(file=NOTES, purpose="user_data")
    weir.calm()
    for act in (
        lambda: stranger.files.retrieve(file.id),
        lambda: stranger.files.content(file.id),
        lambda: stranger.files.delete(file.id),
        lambda: stranger.chat.completions.create(model="gpt", messages=asking(file.id)),
    ):
        with pytest.raises(openai.NotFoundError, match="No such object"):
            act()
    assert not weir.sandbox.openai.received
    assert not list(stranger.files.list())
    assert client.files.retrieve(file.id).id == file.id


def test_what_may_not_leave_is_not_uploaded(client: openai.OpenAI, weir: Sandboxed) -> None:
    with pytest.raises(openai.PermissionDeniedError, match="stays-home"):
        client.files.create(file=SECRET, purpose="user_data")
    with pytest.raises(openai.PermissionDeniedError, match="stays-home"):  # nobody here can read it
        client.files.create(file=("scan.pdf", b"%PDF-1.7 \x00\x01", "application/pdf"), purpose="user_data")
    assert not weir.sandbox.openai.received
    row = weir.rows("requests")[-1]
    assert (row["outcome"], row["error"], json.loads(row["unscanned"])) == ("refused", "blocked", ["file"])


def test_what_was_found_in_a_file_holds_for_requests_that_name_it(tmp_path: Path) -> None:
    policy = FILES.replace("at_least: confidential", "at_least: restricted")
    weir = Sandboxed(tmp_path, policy)
    try:
        with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=0) as client:
            mail = ("mail.txt", b"Write to jane.doe@example.org.", "text/plain")
            file = client.files.create(file=mail, purpose="user_data")
            raw = client.chat.completions.with_raw_response.create(model="gpt", messages=asking(file.id))
            assert raw.headers["x-weir-sensitivity"] == "confidential"
            weir.write(FILES)  # from now on it must not go there
            weir.wait_for_policy_change()
            with pytest.raises(openai.PermissionDeniedError, match="stays-home"):
                client.chat.completions.create(model="gpt", messages=asking(file.id))
    finally:
        weir.stop()


def test_an_upload_that_no_provider_can_take_says_so(client: openai.OpenAI, tmp_path: Path) -> None:
    with pytest.raises(openai.BadRequestError, match="files"):
        client.files.create(file=NOTES, purpose="user_data", extra_body={"model": "llama"})
    with pytest.raises(openai.BadRequestError, match="purpose"):
        client.files.create(file=NOTES, purpose="batch")
    weir = Sandboxed(tmp_path, FILES.replace(", files: gpt}", "}"))
    try:
        with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=0) as unset:
            with pytest.raises(openai.BadRequestError, match="alias `files`"):
                unset.files.create(file=NOTES, purpose="user_data")
            made = unset.files.create(file=NOTES, purpose="user_data", extra_body={"model": "gpt"})
            weir.restart()
        with openai.OpenAI(base_url=f"{weir.url}/v1", api_key=weir.key, max_retries=0) as after:
            assert after.files.retrieve(made.id).id == made.id
    finally:
        weir.stop()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/v1/files", 405),
        ("POST", "/v1/files/file-1", 405),
        ("GET", "/v1/files/file-1/content/more", 404),
        ("GET", "/v1/files/%2e%2e%2fmodels", 404),
        ("DELETE", "/v1/files/file-1/content", 404),
        ("GET", "/v1/files/file-1", 404),
        ("POST", "/v1/uploads", 404),
        ("GET", "/v1/batches", 404),
    ],
)
def test_other_paths_have_an_answer_in_words(weir: Sandboxed, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, weir.url + path, headers={"authorization": f"Bearer {weir.key}"})
    assert (answer.status_code, bool(answer.json()["error"]["message"])) == (status, True)


def test_without_a_key_nothing_is_said(weir: Sandboxed) -> None:
    for method, path in (("GET", "/v1/files"), ("GET", "/v1/files/file-1"), ("POST", "/v1/files")):
        assert httpx.request(method, weir.url + path).status_code == 401


def test_a_form_that_is_none_is_refused(weir: Sandboxed) -> None:
    status, _, told = weir.post(b"{}", path="/v1/files")
    assert (status, json.loads(told)["error"]["code"]) == (400, "invalid_form")


@pytest.fixture
def claudes(weir: Sandboxed) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=weir.url, api_key=weir.key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("model", ["claude", "gpt"])
def test_anthropics_library_keeps_files_with_either_provider(
    claudes: anthropic.Anthropic, weir: Sandboxed, model: str
) -> None:
    file = claudes.beta.files.upload(file=NOTES, extra_body={"model": model})
    assert (file.type, file.filename, file.mime_type, file.size_bytes) == (
        "file",
        "notes.txt",
        "text/plain",
        len(NOTES[1]),
    )
    assert claudes.beta.files.retrieve_metadata(file.id).filename == "notes.txt"
    assert (file.id, len(NOTES[1])) in [(each.id, each.size_bytes) for each in claudes.beta.files.list()]
    if model == "claude":
        block: Any = {"type": "document", "source": {"type": "file", "file_id": file.id}}
        said: Any = [{"role": "user", "content": [block, {"type": "text", "text": "When?"}]}]
        raw = claudes.beta.messages.with_raw_response.create(
            model="claude", max_tokens=9, messages=said, betas=["files-api-2025-04-14"]
        )
        assert raw.headers["x-weir-sensitivity"] == "internal", "it was read when it came through"
        with anthropic.Anthropic(base_url=weir.url, api_key=weir.other_key, max_retries=0) as stranger:
            with pytest.raises(anthropic.NotFoundError, match="No such object"):
                stranger.beta.messages.create(model="claude", max_tokens=9, messages=said)
            with pytest.raises(anthropic.NotFoundError, match="No such object"):
                stranger.beta.files.delete(file.id)
    assert claudes.beta.files.delete(file.id).type == "file_deleted"
    with pytest.raises(anthropic.NotFoundError):
        claudes.beta.files.retrieve_metadata(file.id)


def test_openais_library_keeps_files_with_anthropic(client: openai.OpenAI, weir: Sandboxed) -> None:
    file = client.files.create(file=NOTES, purpose="user_data", extra_body={"model": "claude"})
    assert (file.object, file.bytes, file.purpose) == ("file", len(NOTES[1]), "user_data")
    assert b"purpose" not in weir.sandbox.anthropic.received[-1].body
    raw = client.chat.completions.with_raw_response.create(model="claude", messages=asking(file.id))
    assert raw.headers["x-weir-model"] == "claude"
    assert client.files.retrieve(file.id).filename == "notes.txt"
    assert client.files.delete(file.id).deleted
