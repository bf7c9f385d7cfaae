"""Real clients against every backend through a whole Weir: each suite's results, one by one, and the page they make."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.clients import matrix
from tests.clients.running import SUITES, Run, Suite, run
from tests.clients.site import ClientSite
from tests.integration.engines import RealVllm
from tests.integration.waiting import until

pytestmark = pytest.mark.timeout(900)

Runs = dict[str, "Future[Run]"]


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> RealVllm | str:
    """A real vLLM, or why there is none: then its column is not run."""
    try:
        vllm: RealVllm = request.getfixturevalue("vllm")
    except pytest.skip.Exception as missing:
        return str(missing)
    return vllm


@pytest.fixture(scope="session")
def site(engine: RealVllm | str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientSite]:
    """The Weir that all suites talk to."""
    running = ClientSite(tmp_path_factory.mktemp("weir"), None if isinstance(engine, str) else engine.url)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def runs(site: ClientSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Every suite, three at a time."""
    folder, told = tmp_path_factory.mktemp("suites"), site.described()
    with ThreadPoolExecutor(3) as pool:
        yield {
            suite.client: pool.submit(run, suite, told, folder / suite.files[0].partition(".")[0])
            for suite in SUITES
        }


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.client)
def test_a_client(
    runs: Runs, suite: Suite, engine: RealVllm | str, share: Any, subtests: pytest.Subtests
) -> None:
    ran = runs[suite.client].result()
    if ran.missing:
        pytest.skip(f"{suite.client}: {ran.missing}")
    assert not ran.trouble, ran.trouble
    for result in ran.results:
        with subtests.test(f"{result.backend}: {result.feature}: {result.test}"):
            assert result.outcome != "failed", result.why
    if isinstance(engine, str):
        with subtests.test("vLLM"):
            pytest.skip(engine)
    passed = sum(result.outcome == "passed" for result in ran.results)
    share(f"tests of {suite.client} through Weir passed (docs/clients.md)", passed, len(ran.results))


def test_who_left_was_booked(runs: Runs, site: ClientSite) -> None:
    """Every client that walked away from a stream stands in the ledger as one that did. A real engine may have said
    all it had before it was left, so that those are in tests of its own."""
    found = [result for future in runs.values() for result in future.result().results]
    left = [
        result
        for result in found
        if (result.feature, result.outcome) == ("cancel", "passed") and result.backend != "vLLM"
    ]
    assert left

    def booked() -> int:
        return sum(
            row["outcome"] == "cancelled" and row["model"] != "tiny-slow" for row in site.rows("requests")
        )

    until(lambda: booked() >= len(left))


def test_the_page_says_what_was_found(runs: Runs, engine: RealVllm | str) -> None:
    """docs/clients.md holds exactly the cells of the suites that ran here."""
    done = [future.result() for future in runs.values()]
    found = matrix.cells(result for each in done for result in each.results)
    if os.environ.get("WEIR_WRITE_MATRIX"):
        missing = [f"{each.suite.client}: {each.missing}" for each in done if each.missing]
        assert not missing, f"a page from a part of the clients would be a lie: {missing}"
        assert isinstance(engine, RealVllm), f"a page without a real vLLM would be a lie: {engine}"
        matrix.DOCUMENT.write_text(matrix.written(found))
    ran = {each.suite.client for each in done if not each.missing}
    columns = set(matrix.COLUMNS) - ({"vLLM"} if isinstance(engine, str) else set())
    page = matrix.read(matrix.DOCUMENT.read_text())
    assert {cell: told for cell, told in page.items() if cell[0] in ran and cell[2] in columns} == found


def test_a_page_reads_as_it_was_written() -> None:
    found = {
        ("llm", "plain", "vLLM"): "yes",
        ("llm", "images", "vLLM"): "no: the model sees no images",
        ("langchain-tests", "standard suite", "vLLM"): "3 of 4: a reason; another: with a colon",
    }
    assert matrix.read(matrix.written(found)) == found
