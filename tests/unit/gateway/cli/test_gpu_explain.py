"""`weir gpu explain`: a bill whose lines add up to what was booked, and errors that say why there is none."""

from decimal import Decimal

import orjson
import pytest
from click.testing import CliRunner

from adapters.chat import TokenUsage
from gateway.cli.root import weir
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import AttemptRecord, GpuBooking, GpuWindow, RequestRecord, attempt_id

SECOND = 10**9
AT = 1_790_000_000 * SECOND


def request(name: str, gpu_ns: int | None, backend: str = "gpu-a") -> tuple[RequestRecord, AttemptRecord]:
    common = {
        "at": AT,
        "tenant": "acme",
        "route": "everyday",
        "model": "llama",
        "backend": backend,
        "usage": TokenUsage(input=100, cache_read=50, output=7, source="reported"),
        "gpu_ns": gpu_ns,
        "duration_ns": 2 * SECOND,
    }
    return (
        RequestRecord(id=name, **common),
        AttemptRecord(id=attempt_id(name, 1), request=name, n=1, replica="http://a", **common),
    )


def booking(number: int, name: str, window: int, gpu_ns: int, **more) -> GpuBooking:
    return GpuBooking(
        id=f"g{number}",
        at=AT + 3 * SECOND + number,
        window=AT + window * SECOND,
        window_ns=SECOND,
        backend="gpu-a",
        replica="http://a",
        use="request",
        gpu_ns=gpu_ns,
        request=name,
        attempt=attempt_id(name, 1),
        **{"usd": Decimal(gpu_ns).scaleb(-12), "price_source": "gpu-a: 2.10 USD/GPU-hour", **more},
    )


def window(number: int) -> GpuWindow:
    return GpuWindow(
        id=f"w{number}",
        at=AT + 3 * SECOND,
        window=AT + number * SECOND,
        window_ns=SECOND,
        backend="gpu-a",
        replica="http://a",
        gpus=2,
        writer="me",
        provisioned_ns=SECOND,
        busy_ns=SECOND // 2,
        paid_ns=SECOND // 4,
        waiting_ns=SECOND // 4,
        unobserved_ns=0,
        prompt_price=1_000.0,
        output_price=20_000.0,
        context_price=10.0,
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    book = Ledger.open(folder / "ledger.sqlite", folder / "ledger.journal")
    book.append(*request("req-1", 400_000), *request("req-2", None, "openai"), *request("req-3", 700))
    tokens = {"prompt_tokens": 120, "output_tokens": 3.0, "context_tokens": 450}
    book.append(
        window(0),
        window(1),
        booking(1, "req-1", 0, 200_000, **tokens),
        booking(2, "req-1", 1, 80_000, output_tokens=4.0, context_tokens=610),
        booking(3, "req-1", 0, -20_000, correction=True, **{**tokens, "prompt_tokens": 100}),
        booking(4, "other", 0, 999_999),
        *request("req-4", 10),
        booking(5, "req-4", 7, 500, usd=None),
    )
    assert book.close()
    return folder / "ledger.sqlite"


def explain(store, *arguments: str):
    return CliRunner().invoke(weir, ["gpu", "explain", "--store", str(store), *arguments])


def test_lines_add_up_to_what_was_booked(store):
    (bill,) = orjson.loads(explain(store, "req-1", "--json").stdout)
    assert bill["gpu_seconds_told"] == 0.0004
    assert bill["gpu_seconds"] == 0.00026
    assert Decimal(bill["usd"]) == Decimal("0.00000026")
    (attempt,) = bill["attempts"]
    assert attempt["rates"] == ["gpu-a: 2.10 USD/GPU-hour"]
    first, second = attempt["windows"]
    assert first["gpu_seconds_booked"] == 0.0002
    assert first["gpu_seconds_corrected"] == -0.00002
    assert first["effective_prompt_tokens"] == 100
    assert first["gpu_seconds_by_price"] == pytest.approx((100 * 1_000 + 3 * 20_000 + 450 * 10) / SECOND)
    assert first["posted"]["waiting_seconds"] == 0.25
    assert second["output_tokens"] == 4.0


def test_the_table_is_for_reading(store):
    result = explain(store, "req-1")
    assert result.exit_code == 0
    for part in ("acme", "everyday", "llama on gpu-a", "prompt 150 (50 cached), wrote 7", "booked 0.000260 GPU-s",
                 "$0.00000026", "2.10 USD/GPU-hour", "250 ms", "50%", "-0.000020"):  # fmt: skip
        assert part in result.stdout


def test_windows_whose_prices_were_not_kept_and_unknown_rates_are_unknown(store):
    (bill,) = orjson.loads(explain(store, "req-4", "--json").stdout)
    (line,) = bill["attempts"][0]["windows"]
    assert (line["posted"], line["gpu_seconds_by_price"], line["usd"], bill["usd"]) == (None,) * 4
    assert "unknown" in explain(store, "req-4").stdout


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nobody", "no request 'nobody'"),
        ("req-2", "used no GPU of yours: it went to llama on openai"),
        ("req-3", "nothing is booked for it yet"),
    ],
)
def test_why_there_is_no_bill(store, name, says):
    result = explain(store, name)
    assert result.exit_code == 1
    assert says in result.output


def test_no_ledger_there(tmp_path):
    result = explain(tmp_path / "none.sqlite", "req-1")
    assert result.exit_code == 1
    assert "there is no ledger" in result.output
