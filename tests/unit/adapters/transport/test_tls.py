"""TLS: a certificate is always checked, for its authority and for its name."""

import shutil
import ssl
import subprocess

import pytest

from adapters.errors import UpstreamError
from adapters.transport import tls_context

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """A CA of our own and what it signed: `local` (127.0.0.1), `other` (another name), `client` (for us)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not installed")
    home = tmp_path_factory.mktemp("papers")

    def run(*arguments):
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=home, timeout=60)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    usage = (
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
    )
    run(
        "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=ours", *usage
    )
    for name, alternative in (
        ("local", "IP:127.0.0.1"),
        ("other", "DNS:other.example"),
        ("client", "DNS:weir"),
    ):
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (home / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
        run(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem"),
        )
    return home


def server_context(papers, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / f"{name}.pem", papers / f"{name}.key")
    return context


async def test_a_checked_certificate_carries_calls(serve, papers):
    replica = await serve(HI, tls=server_context(papers, "local"))
    async with replica.pool(tls=tls_context(str(papers / "ca.pem"))) as pool:
        for _ in range(3):
            assert await replica.fetch(pool) == (200, b"hi")
        large = bytes(3_000_000)
        assert await replica.fetch(pool, replica.post(large)) == (200, b"hi")
    assert replica.connections == 1
    assert replica.requests[-1][1] == large


@pytest.mark.parametrize(
    ("name", "authority"), [("local", None), ("other", "ca.pem")], ids=["unknown-authority", "wrong-name"]
)
async def test_a_certificate_that_does_not_check_is_refused_unsent(serve, papers, name, authority):
    replica = await serve(HI, tls=server_context(papers, name))
    context = tls_context(str(papers / authority) if authority else None)
    async with replica.pool(tls=context) as pool:
        with pytest.raises(UpstreamError, match="certificate verify failed") as caught:
            await replica.fetch(pool)
        assert (caught.value.failure, caught.value.sent) == ("connect", False)
        assert pool.open == 0
    assert replica.requests == []


async def test_a_plain_replica_behind_https_is_refused_unsent(serve, papers):
    async def script(peer):
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.closed_by_client()

    replica = await serve(script)
    async with replica.pool(tls=tls_context(str(papers / "ca.pem"))) as pool:
        with pytest.raises(UpstreamError) as caught:
            await replica.fetch(pool)
        assert (caught.value.failure, caught.value.sent) == ("connect", False)


async def test_a_client_certificate_is_shown_where_asked_for(serve, papers):
    server = server_context(papers, "local")
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(papers / "ca.pem")
    replica = await serve(HI, tls=server)
    ours = tls_context(
        str(papers / "ca.pem"),
        client_certificate=str(papers / "client.pem"),
        client_key=str(papers / "client.key"),
    )
    async with replica.pool(tls=ours) as pool:
        assert await replica.fetch(pool) == (200, b"hi")
    async with replica.pool(tls=tls_context(str(papers / "ca.pem"))) as pool:
        with pytest.raises(UpstreamError):
            await replica.fetch(pool)


async def test_an_early_close_and_a_replaced_connection_work_as_without_tls(serve, papers):
    async def script(peer):
        await peer.request()
        await peer.send(HI[:-1])
        await peer.closed_by_client()

    replica = await serve(script, tls=server_context(papers, "local"))
    async with replica.pool(tls=tls_context(str(papers / "ca.pem"))) as pool:
        for _ in range(3):
            async with await pool.exchange(replica.post()) as answer:
                assert await answer.read() == b"h"
            assert pool.open == 0
        await replica.closings.wait()


def test_checks_cannot_be_left_out():
    context = tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_ca_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        tls_context(str(tmp_path / "ca.pem"))
