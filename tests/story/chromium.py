"""Headless Chromium over its debugging pipe: enough of it to open a page and see what a reader and the network see."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
PATIENCE_S = 60


def binary() -> str | None:
    """The first Chromium-like program on the path."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Browser:
    """One page of one browser; events are kept by name."""

    write: int
    read: int
    session: str = ""
    number: int = 0
    buffer: bytes = b""
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            chunk = os.read(self.read, 1 << 16)
            if not chunk:
                raise EOFError("Chromium closed its pipe")
            self.buffer += chunk
        raw, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(raw)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its result; events met on the way are kept."""
        self.number += 1
        body = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            body["sessionId"] = self.session
        os.write(self.write, json.dumps(body).encode() + b"\0")
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            message = self._message()
            if message.get("id") == self.number:
                assert "error" not in message, message["error"]
                return message["result"]
            if "method" in message:
                self.events.setdefault(message["method"], []).append(message["params"])
        raise TimeoutError(method)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def look(self, page: Path, *, width: int, height: int = 900, scheme: str = "light") -> None:
        """Open a page in a window of this width and wait until its plots are drawn."""
        self.events.clear()
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        scheme_wish = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media="screen", features=scheme_wish)
        self.call("Page.navigate", url=page.as_uri())
        end = time.monotonic() + PATIENCE_S
        ready = "document.readyState === 'complete' && location.href !== 'about:blank'"
        while not self.evaluate(ready) and time.monotonic() < end:
            time.sleep(0.05)
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def complaints(self) -> list[str]:
        """Console errors and warnings, uncaught exceptions, and refused loads."""
        logged = [str(item["entry"]) for item in self.events.get("Log.entryAdded", ())]
        said = [
            str(item["args"])
            for item in self.events.get("Runtime.consoleAPICalled", ())
            if item["type"] in ("error", "warning", "assert")
        ]
        thrown = [str(item["exceptionDetails"]) for item in self.events.get("Runtime.exceptionThrown", ())]
        return logged + said + thrown

    def requests(self) -> list[str]:
        """Addresses of everything that was loaded, the page itself included."""
        return [item["request"]["url"] for item in self.events.get("Network.requestWillBeSent", ())]


@contextlib.contextmanager
def chromium(program: str) -> Iterator[Browser]:
    """A running browser with one blank page."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The debugging pipe is file descriptors 3 (commands) and 4 (answers) of the browser.
        shell = f'exec "$@" 3<&{to_read} 4>&{from_write}'
        command = ["bash", "-c", shell, "bash", program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(
            command, pass_fds=(to_read, from_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_read)
        os.close(from_write)
        try:
            browser = Browser(to_write, from_read)
            target = browser.call("Target.createTarget", url="about:blank")["targetId"]
            browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Network", "Runtime", "Log"):
                browser.call(f"{domain}.enable")
            yield browser
        finally:
            os.close(to_write)
            os.close(from_read)
            process.terminate()
            process.wait(timeout=PATIENCE_S)
