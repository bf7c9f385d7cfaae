"""Credentials for AWS come from where they are said to be, are renewed in time, and are told to nobody else."""

import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from adapters.sigv4 import Credentials
from gateway.fleet.aws import AHEAD, FILE_EVERY, NotThere, Renewing, source
from tests.serving import Serving

NOW = 1_795_237_200.0


def told(number: int, ends: float = NOW + 3600) -> bytes:
    shown = datetime.fromtimestamp(ends, UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"Code": "Success", "AccessKeyId": f"AKID{number}", "SecretAccessKey": "hidden-secret",
                       "Token": "session", "Expiration": shown}).encode()  # fmt: skip


class Endpoint(Serving):
    """A container's endpoint and an instance's metadata service in one; each answer can be set."""

    def __init__(self) -> None:
        self.answer = told(1)
        self.status = 200
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.forms: list[dict[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def _reply(handler, status: int, body: bytes) -> None:  # noqa: N805  # the library's name is taken
                handler.send_response(status)
                if status == 302:
                    handler.send_header("location", "http://127.0.0.1:9/elsewhere")
                handler.send_header("content-length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def _take(handler) -> None:  # noqa: N805  # as above
                headers = {name.lower(): value for name, value in handler.headers.items()}
                self.asked.append((handler.command, handler.path, headers))
                if handler.command == "POST":
                    length = int(headers["content-length"])
                    self.forms.append(dict(parse_qsl(handler.rfile.read(length).decode())))
                    handler._reply(self.status, self.answer)
                elif handler.command == "PUT":
                    handler._reply(200, b"a-token")
                elif handler.path.endswith("/security-credentials/"):
                    handler._reply(
                        200 if headers.get("x-aws-ec2-metadata-token") == "a-token" else 401, b"my role"
                    )
                else:
                    handler._reply(self.status, self.answer)

            do_GET = do_PUT = do_POST = _take  # noqa: N815  # the library's names

            def log_message(handler, *_: Any) -> None:  # noqa: N805  # as above
                pass

        super().__init__(Handler, "metadata")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    running = Endpoint()
    yield running
    running.stop()


def test_an_instances_role_is_asked_with_a_token(endpoint: Endpoint) -> None:
    fetch = source("instance", "", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint.url})
    assert fetch() == (Credentials("AKID1", "hidden-secret", "session"), NOW + 3600)
    (put, _, asking), _, (_, path, headers) = endpoint.asked
    assert (put, asking["x-aws-ec2-metadata-token-ttl-seconds"]) == ("PUT", "300")
    assert path == "/latest/meta-data/iam/security-credentials/my%20role"
    assert headers["x-aws-ec2-metadata-token"] == "a-token"


def test_a_containers_role_is_asked_with_the_token_of_a_file(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("pod-token\n")
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{endpoint.url}/v1/credentials",
               "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token")}  # fmt: skip
    assert source("container", "", environ)()[0].access_key == "AKID1"
    assert endpoint.asked[0][2]["authorization"] == "pod-token"


def granted(number: int, ends: float = NOW + 3600) -> bytes:
    shown = datetime.fromtimestamp(ends, UTC).isoformat().replace("+00:00", "Z")
    return f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult><Credentials>
        <AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>hidden-secret</SecretAccessKey>
        <SessionToken>se/ss+ion==</SessionToken><Expiration>{shown}</Expiration>
      </Credentials></AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>""".encode()


def test_a_service_accounts_role_is_taken_with_the_token_of_a_file(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    environ = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": "arn:aws:iam::1:role/weir",
               "AWS_ENDPOINT_URL_STS": endpoint.url}  # fmt: skip
    fetch = source("web_identity", "", environ, "eu-central-1")
    with pytest.raises(NotThere, match="token"):
        fetch()
    for number in (1, 2):
        file.write_text(f"jwt-{number}\n")
        endpoint.answer = granted(number)
        assert fetch() == (Credentials(f"ASIA{number}", "hidden-secret", "se/ss+ion=="), NOW + 3600)
        assert endpoint.forms[-1] == {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": "arn:aws:iam::1:role/weir",
            "RoleSessionName": "weir",
            "WebIdentityToken": f"jwt-{number}",
        }


@pytest.mark.parametrize(
    "answer", [b"", b"<ErrorResponse>jwt-1</ErrorResponse>", b"\xff", b"<AccessKeyId>A</AccessKeyId>"]
)
@pytest.mark.parametrize("status", [200, 302, 403])
def test_a_role_that_is_not_granted_is_said_without_its_token(
    endpoint: Endpoint, tmp_path: Path, status: int, answer: bytes
) -> None:
    (tmp_path / "token").write_text("jwt-1")
    endpoint.status, endpoint.answer = status, answer
    environ = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/weir",
               "AWS_ENDPOINT_URL_STS": endpoint.url}  # fmt: skip
    with pytest.raises(NotThere) as missing:
        source("web_identity", "", environ)()
    assert "jwt-1" not in str(missing.value)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "no role to take"),
        ({"AWS_ROLE_ARN": "arn:aws:iam::1:role/weir"}, "no role to take"),
        ({"AWS_ENDPOINT_URL_STS": "http://sts.example"}, "names no place near"),
    ],
)
def test_a_web_identity_is_shown_to_nobody_in_the_clear(
    tmp_path: Path, environ: dict[str, str], said: str
) -> None:
    (tmp_path / "token").write_text("jwt-1")
    if "AWS_ENDPOINT_URL_STS" in environ:
        environ |= {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
            "AWS_ROLE_ARN": "arn:aws:iam::1:role/weir",
        }
    with pytest.raises(NotThere, match=said):
        source("web_identity", "", environ)()


@pytest.mark.parametrize("url", ["", "http://10.0.0.1/x", "http://metadata.example/x", "file:///etc/passwd"])
def test_a_containers_endpoint_is_near_or_behind_tls(url: str) -> None:
    with pytest.raises(NotThere, match="names no place"):
        source("container", "", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url})()


def test_a_profile_is_read_from_the_shared_file(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(
        "[default]\naws_access_key_id = A\naws_secret_access_key = B%x\n\n[other]\nrole_arn = c\n"
    )
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
    assert source("profile", "default", environ)() == (Credentials("A", "B%x", None), None)
    for missing in ("other", "third"):
        with pytest.raises(NotThere, match=missing):
            source("profile", missing, environ)()
    (tmp_path / ".aws").mkdir()
    file.rename(tmp_path / ".aws" / "credentials")
    assert source("profile", "default", {"HOME": str(tmp_path)})()[0].access_key == "A"


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"AccessKeyId": "A"}', b'{"AccessKeyId": 1, "Expiration": "x"}']
)
def test_an_answer_that_is_none_is_said_without_quoting_it(endpoint: Endpoint, answer: bytes) -> None:
    endpoint.answer = answer
    with pytest.raises(NotThere, match="holds none"):
        source("instance", "", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint.url})()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_no_redirect_is_followed_and_no_error_taken_for_an_answer(endpoint: Endpoint, status: int) -> None:
    endpoint.status = status
    with pytest.raises(NotThere, match="did not give any"):
        source("instance", "", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint.url})()


@pytest.mark.parametrize(
    "said",
    [
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nhalf of it",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xfe",
    ],
)
def test_what_speaks_no_http_or_says_no_text_gives_none_and_is_asked_again(said: bytes) -> None:
    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.connection.recv(65536)
            self.wfile.write(said)

    with socketserver.TCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = "http://{}:{}".format(*server.server_address)
            renewing = Renewing(
                source("instance", "", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url}), lambda: NOW
            )
            renewing.look()
        finally:
            server.shutdown()
            thread.join(10)
    assert (renewing(), renewing.until) == (None, NOW + FILE_EVERY)


def test_they_are_renewed_before_they_end_and_kept_where_that_fails(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    now = [NOW]
    fetch = source("instance", "", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint.url})
    renewing = Renewing(fetch, lambda: now[0])
    assert (renewing(), renewing.due) == (None, True)
    renewing.look()
    assert not renewing.due
    now[0] = NOW + 3600 - AHEAD
    assert renewing.due
    endpoint.status = 500
    with caplog.at_level(logging.WARNING):
        renewing.look()
    first = renewing()
    assert first is not None
    assert first.access_key == "AKID1"
    assert not renewing.due
    now[0] += FILE_EVERY
    endpoint.status, endpoint.answer = 200, told(2, now[0] + 3600)
    assert renewing.due
    renewing.look()
    second = renewing()
    assert second is not None
    assert second.access_key == "AKID2"
    assert "hidden-secret" not in caplog.text + repr(renewing)
