"""Hidden values: whatever a model would read through, the classifier reads through."""

import base64
import codecs
import gzip
import html
import json
import zlib
from urllib.parse import quote

import pytest

CARD = "4539148803436467"
SSN = "436-78-4374"
MAIL = "anna.kowalska@example.org"
DIGITS = "zero one two three four five six seven eight nine".split()  # noqa: SIM905  # ten words read better in a row


def in_base64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


WAYS = {
    "zero width": lambda v: "\u200b".join(v),
    "bidirectional marks": lambda v: f"\u202e\u2066{v}\u2069",
    "full width": lambda v: "".join(chr(ord(c) + 0xFEE0) for c in v),
    "percent": lambda v: "".join(f"%{ord(c):02X}" for c in v),
    "percent twice": lambda v: quote("".join(f"%{ord(c):02X}" for c in v)),
    "entities": lambda v: "".join(f"&#{ord(c)};" for c in v),
    "hexadecimal entities": lambda v: "".join(f"&#x{ord(c):x};" for c in v),
    "unicode escapes": lambda v: "".join(f"\\u{ord(c):04x}" for c in v),
    "hexadecimal escapes": lambda v: "".join(f"\\x{ord(c):02x}" for c in v),
    "base64": lambda v: base64.b64encode(f"my number: {v}".encode()).decode(),
    "base64 twice": lambda v: base64.b64encode(base64.b64encode(f"my number: {v}".encode())).decode(),
    "base64 four times": lambda v: in_base64(in_base64(in_base64(in_base64(f"my number: {v}")))),
    "base64 of UTF-16": lambda v: in_base64(f"my number: {v}".encode("utf-16-le")),
    "base64 of gzip": lambda v: in_base64(gzip.compress(f"my number: {v}".encode())),
    "base64 of zlib": lambda v: in_base64(zlib.compress(f"my number: {v}".encode())),
    "base64 said to be a picture": lambda v: f"data:image/png;base64,{in_base64(f'this is my number: {v}')}",
    "gzip in a data URL": lambda v: (
        f"data:application/gzip;base64,{in_base64(gzip.compress(f'number: {v}'.encode()))}"
    ),
    "base32": lambda v: base64.b32encode(f"my number: {v}".encode()).decode(),
    "numbers of letters": lambda v: " ".join(str(ord(c)) for c in v),
    "numbers of letters, commas": lambda v: ", ".join(str(ord(c)) for c in v),
    "bits": lambda v: " ".join(f"{ord(c):08b}" for c in v),
    "control characters": lambda v: "\0".join(v),
    "deletions": lambda v: "\x08\x7f".join(v),
    "empty Braille": lambda v: "\u2800".join(v),
    "tags": lambda v: "".join(chr(0xE0000 + ord(c)) for c in v),
    "tags between": lambda v: "\U000e0041".join(v),
    "struck through": lambda v: "".join(f"{c}\u0336" for c in v),
    "hexadecimal": lambda v: v.encode().hex(),
    "quoted printable": lambda v: "".join(f"={ord(c):02X}" for c in v),
    "spaced": lambda v: " ".join(v),
    "dotted": lambda v: "_".join(v),
    "broken line": lambda v: f"{v[:7]}\n{v[7:]}",
    "broken line, CRLF": lambda v: f"{v[:7]}\r\n{v[7:]}",
    "quoted line": lambda v: f"{v[:7]}\n> {v[7:]}",
    "base85": lambda v: f"in base85 {base64.b85encode(f'my number: {v}'.encode()).decode()}",
    "ascii85": lambda v: base64.a85encode(f"my number: {v}".encode(), adobe=True).decode(),
    "a list of characters": lambda v: f"[{', '.join(repr(c) for c in v)}]",
    "a list in JSON": lambda v: json.dumps(list(v)),
    "written backwards": lambda v: f"drowssap {v[::-1]}",
    "backwards": lambda v: f"{v[::-1]} (reversed)",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [("card number", CARD, "CREDIT_CARD"), ("SSN", SSN, "US_SSN"), ("mail", MAIL, "EMAIL_ADDRESS")],
)
def test_read_through(found, way, name, value, kind):
    assert kind in found(f"my {name}: {WAYS[way](value)} ok?")


def test_the_ways_do_hide(found):
    assert html.unescape(WAYS["entities"](CARD)) == CARD
    assert all(CARD not in hide(CARD) for way, hide in WAYS.items() if "bidirectional" not in way)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("CREDIT_CARD", "card: " + " ".join(DIGITS[int(c)] for c in CARD)),
        ("CREDIT_CARD", f"card number {'-'.join(CARD)} ok?"),
        ("CREDIT_CARD", f"card number {'/'.join(CARD)} ok?"),
        ("CREDIT_CARD", f"pan = [{', '.join(CARD)}]"),
        ("PASSWORD", codecs.encode("password: horse7-Battery", "rot13")),
        ("EMAIL_ADDRESS", codecs.encode(f"reach me at {MAIL}", "rot13")),
        ("PASSWORD", "p4ssw0rd: hunter2!x"),
        ("EMAIL_ADDRESS", "anna arobase example point org"),
        ("HEALTH_CONDITION", "PAT1ENT: W. Hargreaves\nIMPRESS1ON: pneumonia"),
        ("CREDIT_CARD", "card " + "".join(chr(0x660 + int(c)) for c in CARD)),  # Arabic-Indic digits
        ("US_SSN", "my SSN: " + "\u0301".join(SSN)),  # accents on digits
        ("EMAIL_ADDRESS", "reach me: anna dot kowalska at example dot org"),
        ("EMAIL_ADDRESS", "anna [at] example [dot] org"),
        ("EMAIL_ADDRESS", "mail me: \u0430nn\u0430@\u0435xample.org"),  # Cyrillic letters
        ("EMAIL_ADDRESS", '{"payload": "{\\"v\\": \\"anna@example.org\\"}"}'),
        ("US_SSN", '{"note": "line one\\n436-78-4374 is my SSN"}'),
    ],
)
def test_other_disguises(found, kind, text):
    assert kind in found(text)


def test_split_over_parts_and_turns(judged):
    parts = judged(("user", "email: v.weber@mail"), ("user", ".example.com"))
    turns = judged(
        ("user", "first half of my SSN: 436-7"), ("assistant", "ok"), ("user", "8-4374 is the second half")
    )
    assert "EMAIL_ADDRESS" in parts.label.types
    assert "US_SSN" in turns.label.types


def test_pictures_are_left_out(found):
    picture = base64.b64encode(bytes(range(256)) * 8).decode()
    assert not found(f"what is in data:image/png;base64,{picture} ?")


def test_names_in_their_own_script_are_left_alone(found):
    assert not found("Привет, мир! Как дела? Это обычный текст про Nokia и Linux.")
