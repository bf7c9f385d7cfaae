"""The types of sensitive data there are: the category of each, and its level unless a policy says otherwise."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from routers.sensitivity.label import Level


def _types() -> dict[str, tuple[str, Level]]:
    public_facts = {
        ("CONTACT", Level.CONFIDENTIAL): "EMAIL_ADDRESS PHONE_NUMBER STREET_ADDRESS DATE_OF_BIRTH",
        ("DEVICE", Level.INTERNAL): "IP_ADDRESS MAC_ADDRESS",
        ("DEVICE", Level.CONFIDENTIAL): "IMEI VIN",
        ("GOV_ID", Level.RESTRICTED): (
            "US_SSN US_ITIN US_DRIVER_LICENSE PASSPORT UK_NINO UK_NHS DE_TAX_ID FR_NIR ES_NIF IT_FISCAL_CODE NL_BSN "
            "PL_PESEL SE_PERSONNUMMER FI_HETU IN_AADHAAR IN_PAN BR_CPF CA_SIN AU_TFN AU_MEDICARE SG_NRIC KR_RRN "
            "CN_RESIDENT_ID JP_MY_NUMBER MX_CURP ZA_ID NATIONAL_ID"
        ),
        ("FINANCIAL", Level.RESTRICTED): "CREDIT_CARD CREDIT_CARD_CVV IBAN_CODE US_BANK_ROUTING BANK_ACCOUNT",
        ("FINANCIAL", Level.CONFIDENTIAL): "CRYPTO",
        ("HEALTH", Level.RESTRICTED): "MEDICAL_RECORD_NUMBER HEALTH_PLAN_ID US_DEA HEALTH_CONDITION",
        ("HEALTH", Level.CONFIDENTIAL): "US_NPI",
        ("SECRET", Level.RESTRICTED): "API_KEY PRIVATE_KEY JWT PASSWORD CONNECTION_STRING",
        ("MARKING", Level.CONFIDENTIAL): "CONFIDENTIAL_MARKING",
        ("CUSTOM", Level.CONFIDENTIAL): "CUSTOM_TERM",
        ("CODE", Level.INTERNAL): "SOURCE_CODE",
        ("SOFT", Level.INTERNAL): "PERSON LOCATION ORGANIZATION NRP AGE DATE_TIME URL",
    }
    return {name: key for key, names in public_facts.items() for name in names.split()}


TYPES: Final[Mapping[str, tuple[str, Level]]] = MappingProxyType(_types())
CATEGORIES: Final = frozenset(category for category, _ in TYPES.values())


def category(type_: str) -> str:
    """The category of a type; a type nobody has declared counts as the tenant's own (`CUSTOM`)."""
    return TYPES[type_][0] if type_ in TYPES else "CUSTOM"


def published(type_: str) -> str:
    """The name of a type where other tools read it: the kind of national number that is told only by the words
    for it has no name of its own among them, and goes by its category."""
    return "GOV_ID" if type_ == "NATIONAL_ID" else type_


def level(type_: str, chosen: Mapping[str, Level]) -> Level:
    """The level of a type: as chosen for the type, else for its category, else the default; unknown is restricted."""
    if type_ in chosen:
        return chosen[type_]
    if category(type_) in chosen:
        return chosen[category(type_)]
    return TYPES[type_][1] if type_ in TYPES else Level.RESTRICTED
