"""A process killed at any moment loses no record it was told is kept, and none is there twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing

import pytest

from gateway.ledger.ledger import Ledger
from gateway.ledger.stores import open_store
from gateway.ledger.sums import SPENT
from gateway.ledger.verify import compare, verify_journal, verify_store

# Appends under load from several threads and says on standard output what was acknowledged, each in one
# write to a pipe, so that what the parent reads is what the ledger had promised.
WRITER = """
import os, sys, threading
from pathlib import Path
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import AttemptRecord, RequestRecord, attempt_id

round_, store, journal = sys.argv[1], sys.argv[2], Path(sys.argv[3])
ledger = Ledger.open(store, journal)

def write(thread):
    i = 0
    while True:
        name = f"{round_}-{thread}-{i}"
        i += 1
        kept = ledger.append(
            AttemptRecord(id=attempt_id(name, 1), request=name, n=1, at=10**18 + i, tenant="acme"),
            RequestRecord(id=name, at=10**18 + i, tenant="acme", reasons=("because",) * (i % 50)),
        )
        if kept:
            os.write(1, f"{name}\\n".encode())

for thread in range(3):
    threading.Thread(target=write, args=(thread,), daemon=True).start()
threading.Event().wait()
"""


def killed_after(lines, *arguments):
    """Run the writer, kill it without warning once it has acknowledged that many; what it acknowledged."""
    with subprocess.Popen([sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE) as writer:
        acknowledged = [writer.stdout.readline() for _ in range(lines)]
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged.extend(line for line in writer.stdout if line.endswith(b"\n"))
    return [line.decode().strip() for line in acknowledged]


@pytest.mark.timeout(300)
def test_every_acknowledged_record_is_there_once_after_kill_9(tmp_path):
    store, journal = tmp_path / "ledger.sqlite", tmp_path / "ledger.journal"
    acknowledged: set[str] = set()
    for round_ in range(10):
        acknowledged.update(killed_after(1 + round_ * 137, str(round_), str(store), str(journal)))
    ledger = Ledger.open(store, journal)  # as the next start does: ships what was left
    assert ledger.close(60)
    with closing(open_store(store)) as opened:
        requests = Counter(record.id for record in opened.records("request", 0, 2 * 10**18))
        attempts = Counter(record.request for record in opened.records("attempt", 0, 2 * 10**18))
        counted = opened.sums(SPENT, [], 0, 2 * 10**18)[0].attempts
        verified = verify_store(opened, opened.journals()[0])
        compared = compare(opened, journal)
    assert len(acknowledged) > 5_000
    assert acknowledged <= requests.keys()
    assert set(requests.values()) == {1}
    assert set(attempts.values()) == {1}
    assert acknowledged <= attempts.keys()
    assert counted == len(attempts)
    assert verified.faults == compared.faults == verify_journal(journal).faults == ()
