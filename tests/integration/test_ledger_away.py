"""A whole Weir whose ledger is in a real PostgreSQL, which goes away for a while: requests go on, the lag shows, and
what was answered meanwhile is there once."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.root import weir
from gateway.ledger.stores import open_store
from tests.integration.postgreses import Postgres, running_postgres
from tests.integration.sandboxed import Sandboxed
from tests.integration.waiting import until

ALWAYS = (0, 4 * 10**18)


class Away(Sandboxed):
    """A Weir that keeps its ledger at a URL."""

    def __init__(self, folder: Path, url: str) -> None:
        self.store = url
        super().__init__(folder)

    def before_start(self) -> None:
        super().before_start()
        self.environ |= {"WEIR_LEDGER": self.store}

    def answered(self, count: int) -> list[str]:
        """So many requests, streamed and not; their ids."""
        answers = [self.ask(stream=bool(number % 2)) for number in range(count)]
        assert {status for status, _, _ in answers} == {200}
        return [headers["x-weir-request-id"] for _, headers, _ in answers]

    def lag(self) -> float:
        with urllib.request.urlopen(self.service.metrics_url, timeout=10) as answer:  # noqa: S310  # loopback
            page = answer.read().decode()
        return float(
            next(line for line in page.splitlines() if line.startswith("weir_ledger_lag_seconds ")).split()[1]
        )

    def ready(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as answer:  # noqa: S310  # loopback
            told: dict[str, Any] = json.load(answer)
            return told


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def command(*arguments: str) -> str:
    result = CliRunner().invoke(weir, ["ledger", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_requests_go_on_while_the_database_is_away_and_reach_it_once(
    tmp_path: Path, postgres: Postgres
) -> None:
    url = postgres.fresh()
    running = Away(tmp_path, url)
    try:
        asked = running.answered(6)
        until(lambda: running.lag() == 0)
        postgres.stop()
        asked += running.answered(12)
        until(lambda: running.lag() > 1)
        until(lambda: running.ready()["ledger"].startswith("PostgreSQL: "))
        asked += running.answered(6)
        postgres.start()
        until(lambda: running.lag() == 0 and running.ready()["ledger"] == "ok")
        asked += running.answered(6)
    finally:
        running.stop()
    with closing(open_store(url)) as store:
        booked = Counter(each.id for each in store.records("request", *ALWAYS))
    assert booked == Counter(asked)
    (spent,) = json.loads(command("query", "--store", url, "--by", "tenant", "--format", "json"))
    assert (spent["tenant"], spent["attempts"]) == ("acme", len(asked))
    assert "as booked" in command("verify", "--store", url)
