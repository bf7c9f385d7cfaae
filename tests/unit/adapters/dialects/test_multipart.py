"""Forms are read strictly, and what is written anew says the same to any reader."""

import email.policy
from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.checks import InvalidRequest
from adapters.dialects.multipart import MOST_FIELDS, Field, boundary_of, read, write
from adapters.stretches import STRETCH

KIND = b"multipart/form-data; boundary=b0"


def form(*parts: bytes, end: bytes = b"--b0--\r\n") -> bytes:
    return b"".join(b"--b0\r\n" + part + b"\r\n" for part in parts) + end


def part(head: bytes = b'Content-Disposition: form-data; name="a"', data: bytes = b"x") -> bytes:
    return head + b"\r\n\r\n" + data


def test_what_clients_send() -> None:
    file = (
        b'Content-Disposition: form-data; name="file"; filename="a \\"b\\".txt"\r\nContent-Type: text/plain'
    )
    purpose = part(b'content-disposition: form-data; name="purpose"', b"user_data")
    assert read(form(purpose, part(file, b"hi\r\n")), KIND) == [
        Field("purpose", b"user_data"),
        Field("file", b"hi\r\n", 'a "b".txt', "text/plain"),
    ]  # fmt: skip
    assert read(form(part()), b'Multipart/Form-Data; charset=x; boundary="b0"') == [Field("a", b"x")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (form(part()), b"application/json"),
        (form(part()), b"multipart/form-data"),
        (form(part()), b"multipart/form-data; boundary=other"),
        (b"before" + form(part()), KIND),
        (form(part(), end=b""), KIND),
        (form(part(), end=b"--b0--behind"), KIND),
        (form(part(), end=b"--b0--" + b"\r\n" * 1_000), KIND),
        (form(), KIND),
        (form(part(), part()), KIND),  # one name twice: readers choose differently
        (form(*[part(b'content-disposition: form-data; name="%d"' % i) for i in range(MOST_FIELDS + 1)]), KIND),
        (form(b"no headers"), KIND),
        (form(part(b"content-disposition: form-data")), KIND),
        (form(part(b"content-disposition: form-data; name=a")), KIND),
        (form(part(b'content-disposition: attachment; name="a"')), KIND),
        (form(part(b'content-disposition: form-data; name="a"; filename*="utf-8\'\'b"')), KIND),
        (form(part(b'content-disposition: form-data; name="a"\r\ncontent-disposition: form-data; name="b"')), KIND),
        (form(part(b'content-disposition: form-data; name="a"\r\ncontent-transfer-encoding: base64')), KIND),
        (form(part(b'content-disposition : form-data; name="a"')), KIND),
        (form(part(b'content-disposition: form-data; name="a"\r\ncontent-type: text/plain\rx: y')), KIND),
        (form(part()), KIND + b"; x=" + b"y" * 2000),
        (form(part(b'content-disposition: form-data; name="\xff"')), KIND),
        (form(part(b'content-disposition: form-data; name="a"\r\nx: ' + b"y" * 5000)), KIND),
    ],
)  # fmt: skip
def test_what_readers_could_disagree_about_is_refused(body: bytes, kind: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Weir cannot read the form"):
        read(body, kind)


names = st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n\0'), min_size=1, max_size=9)
fields = st.builds(
    Field, names, st.binary(max_size=60), st.none() | names, st.sampled_from(["", "text/plain"])
)


@given(st.lists(fields, min_size=1, max_size=4, unique_by=lambda each: each.name))
def test_what_is_written_is_what_was_read_here_and_elsewhere(written: list[Field]) -> None:
    body = write(written)
    kind = b"multipart/form-data; boundary=" + boundary_of(body)
    assert read(body, kind) == written
    parsed = message_from_bytes(b"content-type: " + kind + b"\r\n\r\n" + body, policy=email.policy.HTTP)
    assert len(list(parsed.iter_parts())) == len(written)


def test_a_quote_in_a_name_ends_nothing() -> None:
    body = write([Field("file", b"x", 'a"; filename="b\r\nx: y')])
    assert read(body, b"multipart/form-data; boundary=" + boundary_of(body))[0].data == b"x"
    assert b"\r\nx: y" not in body


words = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=12
)  # a form with that is refused


@given(words, words)
def test_no_name_ends_where_it_does_not(name: str, filename: str) -> None:
    written = [Field(name or "a", b"one", filename, ""), Field("zz", b"two")]
    if written[0].name == "zz":
        return
    body = write(written)
    again = read(body, b"multipart/form-data; boundary=" + boundary_of(body))
    assert [each.data for each in again] == [b"one", b"two"]
    assert again[1].name == "zz"
    assert again[0].filename is not None


def test_a_long_field_is_no_copy_and_is_written_as_it_came() -> None:
    data = b"\r\n--b\r\n" * (STRETCH // 4)
    body = form(part(data=data), part(b'content-disposition: form-data; name="b"', b"short"))
    long, short = read(body, KIND)
    assert isinstance(long.data, memoryview)
    assert long.data.obj is body
    assert long.data == data
    assert short == Field("b", b"short")
    again = write([long, short])
    assert read(again, b"multipart/form-data; boundary=" + boundary_of(again)) == [long, short]
