"""FOCUS rows: the columns the specification wants, and sums that are the ledger's own."""

import json
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import TokenUsage
from gateway.ledger import focus
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import AttemptRecord, EnergyBooking, GpuBooking
from gateway.ledger.stores import open_store
from gateway.ledger.sums import GPU_TIME, SPENT

HOUR = 3_600 * 10**9
BASE = 490_000 * HOUR  # 2025-11-24T16:00Z
SPAN = (BASE, BASE + 40 * HOUR)

# FOCUS 1.4, dataset Cost and Usage: every column. Mandatory ones by whether they may be null.
MANDATORY = {
    "BilledCost": False, "BillingAccountId": False, "BillingAccountName": True, "BillingCurrency": False,
    "BillingPeriodEnd": False, "BillingPeriodStart": False, "ChargeCategory": False, "ChargeClass": True,
    "ChargeDescription": True, "ChargePeriodEnd": False, "ChargePeriodStart": False, "ContractedCost": False,
    "EffectiveCost": False, "HostProviderName": False, "InvoiceIssuerName": False, "ListCost": False,
    "PricingQuantity": True, "PricingUnit": True, "ServiceCategory": False, "ServiceName": False,
    "ServiceProviderName": False,
}  # fmt: skip
NOT_MANDATORY = {
    "AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName", "AllocatedTags",
    "AvailabilityZone", "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus",
    "ChargeFrequency", "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName",
    "CommitmentDiscountQuantity", "CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit",
    "CommitmentProgramEligibilityDetails", "ConsumedQuantity", "ConsumedUnit", "ContractApplied",
    "ContractedUnitPrice", "InvoiceDetailId", "InvoiceId", "ListUnitPrice", "PricingCategory", "PricingCurrency",
    "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
    "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceSubcategory", "SkuId",
    "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags",
}  # fmt: skip
DECIMALS = {
    "BilledCost",
    "ConsumedQuantity",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "ListCost",
    "ListUnitPrice",
    "PricingQuantity",
}
TIMES = {"BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"}


@pytest.fixture
def store(tmp_path):
    """30 hours of two tenants on a rented model and on two replicas of ours; every seventh call has no price."""
    path = tmp_path / "ledger.sqlite"
    book = Ledger.open(path, tmp_path / "ledger.journal")
    for i in range(30):
        at = BASE + i * HOUR + 7
        who = {
            "tenant": "acme" if i % 2 else "globex",
            "workflow": "invoices" if i % 3 else "",
            "route": "hard",
        }
        usd = None if i % 7 == 0 else Decimal("0.00001234567") * i
        usage = TokenUsage(input=1000 + i, cache_read=10, output=5, reasoning=2, source="reported")
        rented = {"model": "gpt-5", "backend": "openai", "zone": "openai", "usage": usage, "usd": usd}
        book.append(AttemptRecord(id=f"r{i}/1", request=f"r{i}", n=1, at=at, **who, **rented))
        own = {"model": "llama", "backend": "gpu-a", "zone": "home", "usage": usage}
        book.append(
            AttemptRecord(
                id=f"l{i}/1", request=f"l{i}", n=1, at=at, **who, **own, usd=Decimal("9"), gpu_ns=5
            ),
            AttemptRecord(
                id=f"x{i}/1", request=f"x{i}", n=1, at=at, **who, model="gpt-5", backend="openai", usd=0
            ),
        )
        window = {"at": at, "window": BASE + i * HOUR, "window_ns": 10**9, "backend": "gpu-a"}
        for replica in ("http://one", "http://two"):
            parts = [
                ("request", 123_456_789 + i),
                ("idle", 700_000_000),
                ("foreign", 150_000_001),
                ("waiting", -3),
            ]
            for n, (use, gpu_ns) in enumerate(parts):
                own = {**who, "model": "llama"} if use == "request" else {"tenant": ""}
                usd = None if (i, use) == (4, "idle") else Decimal(gpu_ns).scaleb(-12) * 7
                name = f"g{i}{replica}{n}"
                book.append(
                    GpuBooking(id=name, replica=replica, use=use, gpu_ns=gpu_ns, usd=usd, **window, **own)
                )
    assert book.close()
    with closing(open_store(path)) as opened:
        yield opened


def exported(store):
    return list(focus.rows(store, *SPAN, focus.Payer("acct", "ACME IT")))


def test_every_column_is_the_specifications_or_marked_as_weirs_own():
    ours = set(focus.COLUMNS)
    assert len(MANDATORY) + len(NOT_MANDATORY) == 65
    assert set(MANDATORY) <= ours
    assert {name for name in ours if not name.startswith("x_")} <= set(MANDATORY) | NOT_MANDATORY
    assert {name for name, kind in focus.COLUMNS.items() if kind == "datetime"} == TIMES
    assert {
        name for name, kind in focus.COLUMNS.items() if kind == "decimal" and name[:2] != "x_"
    } == DECIMALS


def test_values_have_their_columns_types_and_null_stands_only_where_it_may(store):
    types = {"string": str, "decimal": Decimal, "datetime": datetime}
    rows = exported(store)
    assert rows
    for row in rows:
        assert list(row) == list(focus.COLUMNS)
        for name, value in row.items():
            if value is None:
                assert MANDATORY.get(name, True), f"{name} is null"
            else:
                assert isinstance(value, types[focus.COLUMNS[name]]), name
                assert value != "", name
        assert row["ChargeCategory"] == "Usage"
        assert row["ChargeClass"] is None
        assert (row["BilledCost"], row["BillingCurrency"]) == (0, "USD")
        assert (row["ServiceCategory"], row["ServiceSubcategory"]) == (
            "AI and Machine Learning",
            "Generative AI",
        )
        assert (row["SubAccountId"] is None) == (row["SubAccountType"] is None)
        assert (row["ChargePeriodEnd"] - row["ChargePeriodStart"]).total_seconds() == 3600
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["BillingPeriodEnd"]
        assert (row["ConsumedQuantity"], row["ConsumedUnit"]) != (None, None)


ABSENT = {  # conditional columns of what Weir does not have, by the condition that never holds
    "availability zones and regions": {"AvailabilityZone", "RegionId", "RegionName"},
    "capacity reservations": {"CapacityReservationId", "CapacityReservationStatus"},
    "commitments and contracts": {
        "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountQuantity",
        "CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit",
        "CommitmentProgramEligibilityDetails", "ContractApplied",
    },
    "invoices of its own": {"InvoiceDetailId", "InvoiceId"},
    "prices in another currency": {
        "PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
        "PricingCurrencyListUnitPrice",
    },
}  # fmt: skip


def test_each_column_of_the_specification_is_there_or_its_condition_never_holds():
    absent = set().union(*ABSENT.values())
    there = {name for name in focus.COLUMNS if not name.startswith("x_")}
    assert there | absent == set(MANDATORY) | NOT_MANDATORY
    assert not there & absent
    assert sorted(there) == [name for name in focus.COLUMNS if name in there]


def test_unit_prices_are_there_exactly_where_all_is_priced(store):
    prices = ("SkuPriceId", "SkuPriceDetails", "PricingCategory", "ListUnitPrice", "ContractedUnitPrice")
    kinds = set()
    for row in exported(store):
        assert row["SkuId"]
        assert row["SkuMeter"]
        known = not row["x_Unpriced"] and bool(row["PricingQuantity"])
        assert [row[name] is not None for name in prices] == [known] * len(prices)
        kinds.add((row["SkuMeter"], known))
        if known:
            assert row["ListUnitPrice"] >= 0
            cost = row["ContractedUnitPrice"] * row["PricingQuantity"]
            assert abs(cost - row["ContractedCost"]) < Decimal("1e-9")
    assert kinds == {("Token Usage", True), ("Token Usage", False), ("GPU time", True), ("GPU time", False)}


def test_sums_are_the_ledgers(store):
    rows = exported(store)
    tokens = [row for row in rows if row["ConsumedUnit"] == "Tokens"]
    (openai,) = [spend for spend in store.sums(SPENT, ("backend",), *SPAN) if spend.by == ("openai",)]
    assert sum(row["EffectiveCost"] for row in tokens) == openai.usd
    assert sum(row["x_Unpriced"] for row in tokens) == openai.unpriced == 5
    used = openai.input_tokens + openai.cached_tokens + openai.output_tokens
    assert sum(row["ConsumedQuantity"] for row in tokens) == used
    assert sum(row["PricingQuantity"] for row in tokens) * 1_000_000 == used
    assert {row["PricingUnit"] for row in tokens} == {"1000000 Tokens"}
    gpu = [row for row in rows if row["ConsumedUnit"] == "GPU-Hours"]
    assert len(tokens) + len(gpu) == len(rows)
    for time in store.sums(GPU_TIME, ("use",), *SPAN):
        found = [row for row in gpu if json.loads(row["Tags"])["use"] == time.by[0]]
        assert sum(row["EffectiveCost"] for row in found) == time.usd
        hours = sum(row["ConsumedQuantity"] for row in found)
        assert abs(hours * HOUR - time.gpu_ns) < Decimal("0.001")
    assert {json.loads(row["Tags"])["use"] for row in gpu} == {"request", "idle", "foreign", "waiting"}


def test_ratios_of_each_charge_sum_to_one_and_say_what_was_used(store):
    charges = defaultdict(list)
    for row in exported(store):
        if row["AllocatedMethodId"] is None:
            assert row["AllocatedMethodDetails"] is row["AllocatedResourceId"] is row["AllocatedTags"] is None
            continue
        (element,) = json.loads(row["AllocatedMethodDetails"], parse_float=Decimal)["Elements"]
        assert element["UsageUnit"] == row["ConsumedUnit"]
        assert element["UsageQuantity"] == row["ConsumedQuantity"]
        charges[row["ChargePeriodStart"], row["ResourceId"]].append((element["AllocatedRatio"], row))
    assert len(charges) == 60
    for (hour, _), parts in charges.items():
        assert sum(ratio for ratio, _ in parts) == 1
        whole = sum(row["EffectiveCost"] for _, row in parts)
        if hour.hour != 20 or hour.day != 24:  # the hour with a booking that has no rate: shared by time
            assert all(abs(ratio * whole - row["EffectiveCost"]) < Decimal("1e-11") for ratio, row in parts)


def test_own_gpus_are_charged_by_their_closed_windows_never_by_provisional_figures_too(store):
    rows = exported(store)
    assert not [row for row in rows if row["ConsumedUnit"] == "Tokens" and row["ResourceName"] == "llama"]
    assert all(row["EffectiveCost"] < 1 for row in rows)


@given(st.lists(st.tuples(st.integers(-5, 10**15), st.booleans()), min_size=1, max_size=30))
def test_ratios_sum_to_one_whatever_the_parts(parts):
    charge = [
        focus.Part((), Decimal(used).scaleb(-12), Decimal(0), Decimal(used), int(unpriced))
        for used, unpriced in parts
    ]
    found = focus.ratios(charge)
    if sum(part.used for part in charge):
        assert sum(found) == 1
    else:
        assert set(found) == {None}


def test_text_is_plain_digits_and_utc(store):
    row = exported(store)[0]
    text = dict(zip(focus.COLUMNS, focus.text(row), strict=True))
    assert text["ChargePeriodStart"] == "2025-11-24T16:00:00Z"
    assert text["BillingPeriodEnd"] == "2025-12-01T00:00:00Z"
    assert text["ChargeClass"] == ""
    assert "E" not in text["EffectiveCost"]
    assert row["ChargePeriodStart"].tzinfo in (UTC, row["ChargePeriodStart"].tzinfo)


def test_electricity_that_is_paid_for_beside_the_rate_is_a_charge_of_its_own(tmp_path):
    book = Ledger.open(tmp_path / "ledger.sqlite", tmp_path / "ledger.journal")
    common = {"at": BASE, "window": BASE, "window_ns": 10**9, "backend": "gpu-a", "replica": "r"}
    for use, kwh, usd in (("request", 3, "0.45"), ("idle", 1, "0.15")):
        uj = kwh * 3_600_000_000_000
        who = {"tenant": "acme" if use == "request" else ""}
        book.append(EnergyBooking(id=use, use=use, energy_uj=uj, usd=Decimal(usd), **who, **common))
    assert book.close()
    with closing(open_store(tmp_path / "ledger.sqlite")) as store:
        rows = exported(store)
    assert {row["ConsumedUnit"] for row in rows} == {"kWh"}
    found = {row["AllocatedResourceName"]: row for row in rows}
    assert (found["acme"]["EffectiveCost"], found["acme"]["ConsumedQuantity"]) == (Decimal("0.45"), 3)
    ratios = [json.loads(row["AllocatedMethodDetails"])["Elements"][0]["AllocatedRatio"] for row in rows]
    assert sorted(ratios) == [0.25, 0.75]
