"""Whatever fails while a Weir stops, its ledger is written and closed, and the next one starts."""

from pathlib import Path

import pytest

from tests.integration.sandboxed import Sandboxed


def test_a_step_that_fails_keeps_none_of_the_others_from_being_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weir = Sandboxed(tmp_path)
    try:
        weir.ask()

        async def fails() -> None:
            raise OSError("no space left")

        monkeypatch.setattr(weir.service._energy, "finish", fails)
        with pytest.raises(OSError, match="no space left"):
            weir.run(weir.service.stop())
        weir.begin()  # or its journal would still be another's
        assert [row["outcome"] for row in weir.rows("requests")] == ["ok"]
    finally:
        weir.stop()
