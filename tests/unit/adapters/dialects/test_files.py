"""What of an uploaded file is read, and what counts as unread."""

import json

import pytest

from adapters.azure import Azure
from adapters.call import Call, Dialect
from adapters.dialects import files
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.ingress import INGRESS
from adapters.dialects.multipart import Field, boundary_of, read, write
from adapters.document import Document
from adapters.openai import OpenAI
from adapters.stretches import STRETCH
from adapters.visible import visible
from adapters.vllm import VLLM


def uploaded(data: bytes, media_type: str = "", name: str = "a.txt", **more: str) -> Document:
    told = {"purpose": "user_data", **more}
    fields = [Field(key, value.encode()) for key, value in told.items()]
    body = write([*fields, Field("file", data, name, media_type)])
    return files.uploaded(body, b"multipart/form-data; boundary=" + boundary_of(body))


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"My SSN is 536-22-8741", "text/plain"),
        (b"My SSN is 536-22-8741", ""),
        (b"My SSN is 536-22-8741", "application/octet-stream"),
        (b'{"said": "My SSN is 536-22-8741"}', "application/json"),
        ("\ufeffMy SSN is 536-22-8741, naïve".encode(), "text/csv; charset=utf-8"),
        (b" " * (STRETCH - 1) + "€, and my SSN is 536-22-8741".encode(), "text/plain"),
    ],
)
def test_text_is_read(data: bytes, media_type: str) -> None:
    seen = visible(uploaded(data, media_type, "report of Ada.txt").values, "files")
    assert any("536-22-8741" in text for _, text in seen.texts)
    assert ("file", "report of Ada.txt") in seen.texts
    assert seen.opaque == ()


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
        (b"text that says it is a picture", "image/png"),
        (b"%PDF-1.4 all of it in ASCII", "text/plain"),
        (b"{\\rtf1 hidden}", ""),
        (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("über".encode("utf-16"), "text/plain"),
        ("über".encode("latin-1"), "text/plain"),
        (b"a\0b", ""),
        (b"a" * STRETCH + b"\0", "text/plain"),
        (b"a" * STRETCH + "über".encode("latin-1"), "text/plain"),
        ("aü".encode()[:-1], "text/plain"),
        (b" " * (STRETCH - 2) + b"%PDF-1.4", "text/plain"),
        (b"\n" * (2 * STRETCH) + b"%!PS", "text/plain"),
    ],
)
def test_what_cannot_be_read_is_unscanned(data: bytes, media_type: str) -> None:
    kind = "image" if media_type == "image/png" else "file"
    assert visible(uploaded(data, media_type).values, "files").opaque == (kind,)


def test_other_fields_are_read_too_and_the_model_goes_nowhere() -> None:
    document = uploaded(b"x", model="gpt", **{"expires_after[anchor]": "created_at", "note": "536-22-8741"})
    assert document.values["model"] == "gpt"
    assert any("536-22-8741" in text for _, text in visible(document.values, "files").texts)
    sent = {
        each.name
        for each in read(document.body, b"multipart/form-data; boundary=" + boundary_of(document.body))
    }
    assert sent == {"purpose", "expires_after[anchor]", "note", "file"}


@pytest.mark.parametrize("purpose", ["batch", "fine-tune", "evals", ""])
def test_files_for_apis_that_weir_does_not_serve_are_refused(purpose: str) -> None:
    with pytest.raises(InvalidRequest, match="purpose"):
        uploaded(b"x", purpose=purpose)


def call(dialect: Dialect, document: Document) -> Call:
    return INGRESS[dialect].read(document, ((b"x-request-id", b"r"),))


def test_where_it_is_asked() -> None:
    about = call("file", files.asked("file-1/..", "content", "m"))
    out = OpenAI("", "sk").outgoing(about, "m")
    assert (out.method, out.path, out.body) == (b"GET", b"/v1/files/file-1%2F../content", b"")
    out = OpenAI("", "sk").outgoing(call("file", files.asked("file-1", "delete", "m")), "m")
    assert (out.method, out.path) == (b"DELETE", b"/v1/files/file-1")
    dated = Azure("", "k", api_version="2024-10-21").outgoing(
        call("file", files.asked("file-1", "retrieve", "m")), "m"
    )
    assert dated.path == b"/openai/files/file-1?api-version=2024-10-21"
    upload = call("files", uploaded(b"x"))
    out = OpenAI("", "sk").outgoing(upload, "m")
    headers = dict(out.headers)
    assert headers[b"content-type"] == b"multipart/form-data; boundary=" + boundary_of(out.body)
    assert headers[b"authorization"] == b"Bearer sk"


def test_an_engine_keeps_none() -> None:
    assert not VLLM().speaks(call("files", uploaded(b"x")))


def test_an_upload_is_named_by_what_the_provider_calls_it() -> None:
    relay = OpenAI().relay(call("files", uploaded(b"x")), "m", ())
    relay.feed(json.dumps({"id": "file-1", "object": "file"}).encode())
    relay.finish()
    assert (relay.made, relay.complete, relay.usage.source) == (("file-1",), True, "reported")


def test_content_passes_byte_for_byte() -> None:
    relay = OpenAI().relay(
        call("file", files.asked("file-1", "content", "m")), "m", ((b"content-type", b"text/csv"),)
    )
    assert relay.feed(b"a,b\n") + relay.feed(b"1,2\n") + relay.finish() == b"a,b\n1,2\n"
    assert relay.headers() == ((b"content-type", b"text/csv"),)
