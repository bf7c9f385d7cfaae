"""What a process apart does in the tests: answers, fails, hangs, dies, as the question says."""

import os
import re
import socket
import time
from collections.abc import Mapping
from typing import Any

from gateway.detectors.forks import Answer, Unready


def load(settings: Mapping[str, Any]) -> Answer:
    """`settings` may say that something is missing."""
    if settings:
        raise Unready(settings["missing"])

    def answer(question: bytearray) -> bytes:
        word = bytes(question[:16]).decode()
        match word:
            case "hang":
                re.match("(a+)+b", "a" * 64)
            case "sleep":
                time.sleep(0.2)
            case "raise":
                raise ValueError("the text itself")
            case "die":
                os.kill(os.getpid(), 9)
            case "print":
                print("nonsense" * 8, flush=True)
            case "network":
                socket.create_connection(("127.0.0.1", 9), timeout=1)
            case "who":
                return str(os.getppid()).encode()
        return bytes(question[::-1])

    return answer
