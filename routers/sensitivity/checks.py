"""Check digits, dates and entropy: what tells a real identifier from a string that only looks like one.

Where python-stdnum knows a number, it judges; the rest follows the issuer's published rule.
"""

import hashlib
import math
from typing import Final


def luhn(digits: str) -> bool:
    """The Luhn check (ISO/IEC 7812-1) over a string of ASCII digits."""
    total = 0
    for i, digit in enumerate(reversed(digits)):
        value = ord(digit) - 48
        if i & 1:
            value *= 2
            if value > 9:
                value -= 9
        total += value
    return total % 10 == 0


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of digits times weights, position by position."""
    return sum((ord(digit) - 48) * weight for digit, weight in zip(digits, weights, strict=False))


def plausible_date(digits: str) -> bool:
    """Whether six digits can be YYMMDD, or eight YYYYMMDD of somebody alive."""
    if len(digits) == 8:
        if not 1880 <= int(digits[:4]) <= 2035:
            return False
        digits = digits[2:]
    return 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) <= 31


def repeated(digits: str) -> bool:
    """Whether all characters are the same."""
    return digits == digits[0] * len(digits)


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    length = len(text)
    if not length:
        return 0.0
    return -sum(n / length * math.log2(n / length) for n in map(text.count, set(text)))


_CARDS: Final = (  # first digits of issuers (ISO/IEC 7812), lengths
    ("4", "4", (13, 16, 19)),
    ("51", "55", (16,)),
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("6011", "6011", (16, 17, 18, 19)),
    ("644", "659", (16, 17, 18, 19)),
    ("300", "305", (14, 16)),
    ("3095", "3095", (14, 16)),
    ("36", "36", (14, 15, 16)),
    ("38", "39", (14, 16)),
    ("3528", "3589", (16, 17, 18, 19)),
    ("1800", "1800", (15,)),
    ("2131", "2131", (15,)),
    ("62", "62", (16, 17, 18, 19)),
    ("2200", "2204", (16, 17, 18, 19)),
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("56", "58", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("6304", "6304", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("6759", "6763", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("81", "81", (16,)),
    ("60", "60", (16,)),
    ("65", "65", (16,)),
)


def card(digits: str) -> bool:
    """Whether a payment card can have this number: issuer, length, Luhn."""
    size = len(digits)
    return any(size in sizes and low <= digits[: len(low)] <= high for low, high, sizes in _CARDS) and luhn(
        digits
    )


def us_ssn(digits: str) -> bool:
    """Social Security Administration: no area 000, 666 or 9xx, no group 00, no serial 0000; not the specimens."""
    return (
        digits[:3] not in ("000", "666")
        and digits[0] != "9"
        and digits[3:5] != "00"
        and digits[5:] != "0000"
        and digits not in ("078051120", "219099999", "123456789", "987654321")
    )


def us_itin(digits: str) -> bool:
    """IRS: 9xx, then a group from 50 on that is not 66-69, 89 or 93."""
    group = int(digits[3:5])
    return digits[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or group >= 94)


def us_npi(digits: str) -> bool:
    """CMS: Luhn over the number behind the prefix 80840; begins with 1 or 2."""
    return digits[0] in "12" and luhn("80840" + digits)


def us_routing(digits: str) -> bool:
    """American Bankers Association: weights 3 7 1; a Federal Reserve prefix."""
    prefix = int(digits[:2])
    known = prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80
    return known and not repeated(digits) and weighted(digits, (3, 7, 1) * 3) % 10 == 0


def au_medicare(digits: str) -> bool:
    """Services Australia: begins 2-6, ninth digit is the weighted sum of the first eight modulo ten."""
    return digits[0] in "23456" and weighted(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def jp_my_number(digits: str) -> bool:
    """Digital Agency of Japan: weights 6 5 4 3 2 7 6 5 4 3 2, modulo eleven."""
    rest = weighted(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


def za_id(digits: str) -> bool:
    """South Africa: YYMMDD, four digits, citizenship 0-2, Luhn."""
    return plausible_date(digits[:6]) and digits[10] in "012" and luhn(digits)


def kr_rrn(digits: str) -> bool:
    """Korea: YYMMDD and a first digit of century and sex; numbers since October 2020 carry no check digit."""
    return plausible_date(digits[:6]) and digits[6] in "12345678"


def se_personnummer(digits: str) -> bool:
    """Sweden: a date (day plus 60 for coordination numbers), Luhn over the last ten digits."""
    short = digits[-10:]
    day = int(short[4:6])
    dated = plausible_date(short[:4] + f"{day - 60 if day > 60 else day:02d}")
    return dated and (len(digits) == 10 or digits[:2] in ("18", "19", "20")) and luhn(short)


def pl_pesel(digits: str) -> bool:
    """Poland: a date with the century in the month, weights 1 3 7 9."""
    month = int(digits[2:4]) % 20
    return (
        1 <= month <= 12
        and 1 <= int(digits[4:6]) <= 31
        and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0
    )


def br_cpf(digits: str) -> bool:
    """Brazil: two check digits modulo eleven."""
    if repeated(digits):
        return False
    first = weighted(digits[:9], tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = weighted(digits[:10], tuple(range(11, 1, -1))) * 10 % 11 % 10
    return digits[9:] == f"{first}{second}"


def us_dea(text: str) -> bool:
    """US drug enforcement: two letters, and (odd places + twice the even places) ends in the seventh digit."""
    digits = text[-7:]
    return (weighted(digits[:6:2], (1, 1, 1)) + 2 * weighted(digits[1:6:2], (1, 1, 1))) % 10 == int(digits[6])


def vin(text: str) -> bool:
    """ISO 3779 with the North American check digit in the ninth place."""
    values = dict(
        zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", map(int, "123456781234579234567890123456789"), strict=True)
    )
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    rest = sum(values[char] * weight for char, weight in zip(text, weights, strict=True)) % 11
    return text[8] == ("X" if rest == 10 else str(rest))


def iban(text: str) -> bool:
    """ISO 13616: the number, turned round and read in base 36, leaves 1 modulo 97."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def es_nif(text: str) -> bool:
    """Spain, DNI and NIE: the letter is the number modulo 23 (X, Y, Z stand for 0, 1, 2)."""
    number = {"X": "0", "Y": "1", "Z": "2"}.get(text[0], text[0]) + text[1:8]
    return number.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[8]


def fi_hetu(text: str) -> bool:
    """Finland: DDMMYY, a sign of the century, three digits, and the nine digits modulo 31 as a character."""
    digits = text[:6] + text[7:10]
    dated = 1 <= int(text[:2]) <= 31 and 1 <= int(text[2:4]) <= 12
    return dated and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(digits) % 31] == text[10]


def sg_nric(text: str) -> bool:
    """Singapore: weights 2 7 6 5 4 3 2, an offset by series, a letter by residue."""
    total = weighted(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"S": 0, "F": 0, "T": 4, "G": 4, "M": 3}[text[0]]
    letters = {
        "S": "JZIHGFEDCBA",
        "T": "JZIHGFEDCBA",
        "F": "XWUTRQPNMLK",
        "G": "XWUTRQPNMLK",
        "M": "KLJNPQRTUWX",
    }
    rest = total % 11
    return letters[text[0]][10 - rest if text[0] == "M" else rest] == text[8]


def base58check(text: str) -> bool:
    """Bitcoin's base 58: the last four bytes begin the double SHA-256 of the rest."""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    value = 0
    for char in text:
        value = value * 58 + alphabet.index(char)
    raw = value.to_bytes(25, "big") if value < 256**25 else b""
    return len(raw) == 25 and hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]
