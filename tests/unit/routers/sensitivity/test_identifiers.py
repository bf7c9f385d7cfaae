"""Identifiers: valid ones are found, near misses and look-alikes are not."""

import pytest

# Numbers from issuers' own documentation and specimens, or made to satisfy their published check.
VALID = [
    ("US_SSN", "My social security number is 436-78-4374"),
    ("US_SSN", "what is 436-78-4374"),
    ("US_ITIN", "ITIN 912-75-1234"),
    ("UK_NINO", "NI number AB 12 34 56 C"),
    ("UK_NHS", "NHS number 943 476 5919"),
    ("DE_TAX_ID", "Meine Steuer-ID lautet 86095742719"),
    ("FR_NIR", "Mon NIR est 2 55 08 14 168 025 38"),
    ("ES_NIF", "DNI 12345678Z"),
    ("ES_NIF", "NIE X1234567L"),
    ("IT_FISCAL_CODE", "codice fiscale RSSMRA85T10A562S"),
    ("NL_BSN", "Mijn BSN is 111222333"),
    ("PL_PESEL", "PESEL 44051401359"),
    ("SE_PERSONNUMMER", "personnummer 811218-9876"),
    ("FI_HETU", "hetu 131052-308T"),
    ("IN_AADHAAR", "Aadhaar 2341 2341 2346"),
    ("IN_PAN", "PAN ABCPE1234F"),
    ("BR_CPF", "CPF 529.982.247-25"),
    ("CA_SIN", "social insurance number 046 454 286"),
    ("AU_TFN", "tax file number 123 456 782"),
    ("AU_MEDICARE", "Medicare card 2123 45670 1"),
    ("SG_NRIC", "NRIC S1234567D"),
    ("KR_RRN", "주민등록번호 900101-1234568"),
    ("CN_RESIDENT_ID", "身份证 11010519491231002X"),
    ("JP_MY_NUMBER", "マイナンバー 123456789018"),
    ("MX_CURP", "CURP HEGG560427MVZRRL04"),
    ("ZA_ID", "ID 8001015009087"),
    ("CREDIT_CARD", "card 4539 1488 0343 6467"),
    ("CREDIT_CARD", "what is 3714-496353-98431"),
    ("CREDIT_CARD_CVV", "CVV 123 exp 09/27"),
    ("IBAN_CODE", "please forward DE89 3704 0044 0532 0130 00 to finance"),
    ("US_BANK_ROUTING", "routing number 021000021"),
    ("BANK_ACCOUNT", "my checking account number: 0023456789"),
    ("CRYPTO", "send it to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("CRYPTO", "0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae"),
    ("MEDICAL_RECORD_NUMBER", "MRN: 00481516"),
    ("HEALTH_PLAN_ID", "Medicare 1EG4-TE5-MK73"),
    ("US_DEA", "DEA number AP5836727"),
    ("US_NPI", "provider NPI 1234567893"),
    ("IMEI", "my IMEI is 490154203237518"),
    ("VIN", "VIN 1HGCM82633A004352"),
    ("PASSPORT", "passport no. C01X00T47"),
    ("US_DRIVER_LICENSE", "driver license no. P306-7487-2579"),
    ("IP_ADDRESS", "client 203.0.113.7 failed"),
    ("MAC_ADDRESS", "device 00:1b:44:11:3a:b7"),
    ("PHONE_NUMBER", "call me on 07700 900123"),
    ("PHONE_NUMBER", "+49 30 901820"),
    ("PHONE_NUMBER", "(415) 555-0132"),
    ("EMAIL_ADDRESS", "write to anna.kowalska@example.org"),
]


@pytest.mark.parametrize(("kind", "text"), VALID)
def test_found(found, kind, text):
    assert kind in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Order 4539 1488 0343 6467 has not shipped",  # a card's number, called an order
        "part number 914-00-1716 replacement",
        "Is 000-12-3456 a possible SSN?",  # no such area
        "IBAN DE00 3704 0044 0532 0130 00 is invalid, why?",
        "card 4539 1488 0343 6468?",  # Luhn
        "convert epoch 1700000003 to UTC",
        "uuid 550e8400-e29b-41d4-a716-446655440000",
        "isbn 978-3-16-148410-0",
        "doi:10.1038/s41586-020-2649-2",
        "git revert 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "numpy 2.10.8 breaks with python 3.12",
        "divide 8587056597 by 126",
        "2024-01-15 12:30:00",
        "x = [1234567, 2345678, 3456789]",
        "github.com/x/y@2x.png",
    ],
)
def test_not_found(found, text):
    assert not found(text) - {"IP_ADDRESS", "MAC_ADDRESS"}


def test_a_column_is_named_by_its_head(found):
    rows = "\n".join(f"{name} | 12{n} 456 782" for n, name in enumerate(["Ana", "Bo"], 3))
    assert "AU_TFN" in found(f"name | tax file number\n{rows}")


@pytest.mark.parametrize(
    "name", ["social_security_number", "social-security-number", "socialSecurityNumber", "SSN"]
)
def test_the_name_of_a_field_names_its_number(found, name):
    assert "US_SSN" in found(f'{{"{name}": 436784374}}')
