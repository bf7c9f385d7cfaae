"""What goes out: request heads, base URLs, and what is refused before a byte leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.call import Outgoing
from adapters.errors import UpstreamError
from adapters.transport import Origin, proxy_fault


def head(base_url, outgoing):
    return Origin.parse(base_url).head(outgoing)


def test_a_head_is_exactly_what_was_asked():
    outgoing = Outgoing(b"POST", b"/chat/completions", ((b"authorization", b"Bearer k"),), b"{}")
    assert head("https://models.example/v1beta/openai/", outgoing) == (
        b"POST /v1beta/openai/chat/completions HTTP/1.1\r\nhost: models.example\r\n"
        b"authorization: Bearer k\r\ncontent-length: 2\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("base_url", "port", "host"),
    [
        ("http://replica", 80, b"host: replica\r\n"),
        ("https://replica", 443, b"host: replica\r\n"),
        ("https://replica:443", 443, b"host: replica\r\n"),
        ("http://replica:8000", 8000, b"host: replica:8000\r\n"),
        ("http://[::1]:8000", 8000, b"host: [::1]:8000\r\n"),
        ("http://[fe80::2]", 80, b"host: [fe80::2]\r\n"),
        ("http://bücher.example", 80, b"host: xn--bcher-kva.example\r\n"),
    ],
)
def test_host_and_port(base_url, port, host):
    assert Origin.parse(base_url).port == port
    assert host in head(base_url, Outgoing(b"GET", b"/", (), b""))


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "replica:8000",
        "ftp://replica",
        "http://",
        "http://a:b@replica",
        "http://r?x=1",
        "http://r/#x",
        "http://r/a b",
    ],
)
def test_what_is_no_base_url_is_refused(base_url):
    with pytest.raises(ValueError, match="base URL"):
        Origin.parse(base_url)


def test_an_empty_post_says_so_and_a_get_does_not():
    assert b"content-length: 0\r\n" in head("http://r", Outgoing(b"POST", b"/", (), b""))
    assert b"content-length" not in head("http://r", Outgoing(b"GET", b"/", (), b""))


@pytest.mark.parametrize(
    "outgoing",
    [
        Outgoing(b"POST", b"/", ((b"x", b"a\r\nevil: 1"),), b""),
        Outgoing(b"POST", b"/", ((b"x", b"a\n"),), b""),
        Outgoing(b"POST", b"/", ((b"x", b"a\r"),), b""),
        Outgoing(b"POST", b"/", ((b"x", b"a\0"),), b""),
        Outgoing(b"POST", b"/", ((b"x\r\ny", b"a"),), b""),
        Outgoing(b"POST", b"/", ((b"x y", b"a"),), b""),
        Outgoing(b"POST", b"/", ((b"", b"a"),), b""),
        Outgoing(b"POST", b"/", ((b"Host", b"other"),), b""),
        Outgoing(b"POST", b"/", ((b"content-length", b"7"),), b""),
        Outgoing(b"POST", b"/", ((b"Transfer-Encoding", b"chunked"),), b""),
        Outgoing(b"POST", b"/a b", (), b""),
        Outgoing(b"POST", b"/a\r\nx: y", (), b""),
        Outgoing(b"POST", b"a", (), b""),
        Outgoing(b"PO ST", b"/", (), b""),
    ],
)
async def test_what_would_break_out_of_its_place_is_refused_unsent(serve, outgoing):
    replica = await serve(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    async with replica.pool() as pool:
        with pytest.raises(UpstreamError) as caught:
            await pool.exchange(outgoing)
        assert (caught.value.failure, caught.value.sent) == ("protocol", False)
    assert replica.connections == 0


@given(value=st.binary(max_size=40))
def test_no_header_value_adds_a_line(value):
    try:
        written = head("http://r", Outgoing(b"GET", b"/", ((b"x", value),), b""))
    except UpstreamError:
        assert set(value) & set(b"\r\n\0")
    else:
        assert len(written.split(b"\r\n")) == 5
        assert b"\r\nx: " + value + b"\r\n\r\n" in written


def test_a_refusal_names_the_header_but_never_its_value():
    with pytest.raises(UpstreamError) as caught:
        head("http://r", Outgoing(b"GET", b"/", ((b"authorization", b"Bearer sk-secret\n"),), b""))
    assert "secret" not in str(caught.value)


def test_many_paths_do_not_grow_the_cache_for_ever():
    origin = Origin.parse("http://r")
    for at in range(2000):
        assert origin.head(Outgoing(b"GET", b"/%d" % at, (), b"")).startswith(b"GET /%d HTTP" % at)
    assert len(origin._heads) <= 256


@pytest.mark.parametrize(
    ("base_url", "environ", "named"),
    [
        ("https://api.example", {}, None),
        ("https://api.example", {"HTTPS_PROXY": ""}, None),
        ("https://api.example", {"HTTPS_PROXY": "http://user:pw@proxy"}, "HTTPS_PROXY"),
        ("https://api.example", {"https_proxy": "http://proxy"}, "https_proxy"),
        ("https://api.example", {"HTTP_PROXY": "http://proxy"}, None),
        ("http://10.0.0.4:8000", {"http_proxy": "http://proxy"}, "http_proxy"),
        ("http://10.0.0.4:8000", {"HTTPS_PROXY": "http://proxy"}, None),
        ("http://10.0.0.4:8000", {"ALL_PROXY": "socks5://proxy"}, "ALL_PROXY"),
        ("https://api.example", {"all_proxy": "socks5://proxy"}, "all_proxy"),
        ("http://127.0.0.1:8000", {"HTTP_PROXY": "http://proxy"}, None),
        ("http://127.8.8.8:8000", {"HTTP_PROXY": "http://proxy"}, None),
        ("http://[::1]:8000", {"ALL_PROXY": "http://proxy"}, None),
        ("http://localhost:8000", {"HTTP_PROXY": "http://proxy"}, None),
        ("https://api.example", {"HTTPS_PROXY": "p", "NO_PROXY": "*"}, None),
        ("https://api.example", {"HTTPS_PROXY": "p", "NO_PROXY": "api.example"}, None),
        ("https://api.example", {"HTTPS_PROXY": "p", "NO_PROXY": "x, .example"}, None),
        ("https://api.example", {"HTTPS_PROXY": "p", "no_proxy": "*.example"}, None),
        ("https://api.example", {"HTTPS_PROXY": "p", "NO_PROXY": "pi.example"}, "HTTPS_PROXY"),
        ("https://api.example", {"HTTPS_PROXY": "p", "NO_PROXY": "api.example:443"}, None),
        ("https://api.example", {"HTTPS_PROXY": "p", "NO_PROXY": "api.example:8443"}, "HTTPS_PROXY"),
        ("http://10.0.0.4:8000", {"HTTP_PROXY": "p", "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://10.0.0.4:8000", {"HTTP_PROXY": "p", "NO_PROXY": "10.0.0.4"}, None),
        ("http://10.0.0.4:8000", {"HTTP_PROXY": "p", "NO_PROXY": "10.0.0.4:8000"}, None),
        ("http://10.0.0.4:8000", {"HTTP_PROXY": "p", "NO_PROXY": "192.168.0.0/16,0.0.4"}, "HTTP_PROXY"),
        ("http://[fd00::4]:8000", {"HTTP_PROXY": "p", "NO_PROXY": "fd00::/8"}, None),
        ("http://[fd00::4]:8000", {"HTTP_PROXY": "p", "NO_PROXY": "[fd00::4]:8000"}, None),
    ],
)
def test_a_proxy_in_the_environment_is_named_or_does_not_apply(base_url, environ, named):
    fault = proxy_fault(base_url, environ)
    assert (fault is None) == (named is None)
    if fault is not None:
        assert fault.startswith(f"{named} is set")
        assert f"unset {named}" in fault
        assert "pw" not in fault
