"""A server as a child process, and how tests speak to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

SHOP = (str(Path(__file__).parent / "shop.py"), "{folder}", "{port}")
ROOT = Path(__file__).parent.parent.parent
CALL = "import sys; from adcascade.cli.serve import *; serve(Path(sys.argv[1]), port=int(sys.argv[2]))"
SERVE = ("-c", CALL, "{folder}", "{port}")


class Process:
    """A server over a folder, at a free port. command: arguments of python, SHOP or SERVE."""

    def __init__(self, folder: Path, command: Sequence[str] = SHOP) -> None:
        self.folder, self.command = folder, command
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))}
        command = [sys.executable, *(part.format(folder=self.folder, port=self.port) for part in self.command)]
        self.child = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        for _ in range(2400):  # two minutes: in a new checkout it compiles first
            try:
                if self.ask("GET", "/ready")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def kill(self, number: int = signal.SIGKILL) -> bytes:
        """End it and return what it wrote to standard error."""
        assert self.child is not None
        self.child.send_signal(number)
        _, errors = self.child.communicate(timeout=20)
        return errors

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            return speak(connection, method, path, body)
        finally:
            connection.close()


def speak(connection: HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One request; the answer's JSON."""
    payload = None if body is None else json.dumps(body)
    connection.request(method, path, payload, {"content-type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    return answer.status, json.loads(content) if content.startswith(b"{") else content
