"""A headless Chromium that a test drives over its debugging pipe (DevTools protocol): no library and no port are needed."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
ANSWER_S = 30.0
# the browser reads descriptor 3 and writes 4, which the pipe's own ends may be: so they are first copied beyond them
HAND_OVER = (
    "import fcntl, os, sys; ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]; "
    "os.dup2(ends[0], 3); os.dup2(ends[1], 4); os.execv(sys.argv[3], sys.argv[3:])"
)
KEYS = {"Escape": 27, "Enter": 13, "Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35}


def installed() -> str:
    """The program; empty where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), "")


class ScriptError(RuntimeError):
    """What a script raised in the page."""


class Browser:
    """A browser with one page. Commands are methods of the protocol: https://chromedevtools.github.io/devtools-protocol"""

    def __init__(self, profile: Path) -> None:
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                HAND_OVER,
                str(theirs_in),
                str(theirs_out),
                installed(),
                *FLAGS,
                f"--user-data-dir={profile}",
            ],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (theirs_in, theirs_out):
            os.close(end)
        self._out, self._in, self._rest, self._number, self._session = ours_out, ours_in, b"", 0, ""
        self.errors: list[str] = []  # that scripts of the page raised
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Runtime.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of one command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + ANSWER_S
        while True:
            answer = self._next(until - time.monotonic())
            if answer.get("method") == "Runtime.exceptionThrown":
                details = answer["params"]["exceptionDetails"]
                self.errors.append(str(details.get("exception", {}).get("description") or details.get("text")))
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self, wait_s: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._in], [], [], max(0.0, wait_s))[0]:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self._in, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self._rest += piece
        whole, _, self._rest = self._rest.partition(b"\0")
        return json.loads(whole)

    def open(self, address: str, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Open a page; returns once it is loaded."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def eval(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise ScriptError(str(found["exceptionDetails"].get("exception", {}).get("description")))
        return found["result"].get("value")

    def wait(self, script: str, *, seconds: float = 15.0) -> None:
        """Until an expression is true; where it raises, the page may not be ready for it yet. Raises: AssertionError"""
        until = time.monotonic() + seconds
        found: object = None
        while found is not True:
            assert time.monotonic() < until, f"never true within {seconds} s ({found}): {script}"
            if found is not None:
                time.sleep(0.05)
            try:
                found = bool(self.eval(script))
            except ScriptError as error:
                found = error

    def middle(self, selector: str) -> tuple[float, float]:
        """The middle of an element, which is brought into view."""
        found = self.eval(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        return found[0], found[1]

    def mouse(self, kind: str, x: float, y: float, *, button: str = "none", clicks: int = 0) -> None:
        """kind: "mouseMoved", "mousePressed" or "mouseReleased"."""
        pressed = {"buttons": 1} if button == "left" and kind != "mouseReleased" else {}
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=clicks, **pressed)

    def click(self, selector: str) -> None:
        """With the left button."""
        x, y = self.middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clicks=1)

    def drag(self, x: float, y: float, *, by: float) -> None:
        """To the right, with the left button."""
        self.mouse("mousePressed", x, y, button="left", clicks=1)
        for part in (0.3, 0.6, 1.0):
            self.mouse("mouseMoved", x + part * by, y, button="left")
        self.mouse("mouseReleased", x + by, y, button="left", clicks=1)

    def key(self, name: str) -> None:
        """Press a key and let it go."""
        code = KEYS.get(name, ord(name[0]))
        text = {} if name in KEYS and name != "Enter" else {"text": "\r" if name == "Enter" else name}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=name, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """A PNG of the page."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def close(self) -> None:
        """End it."""
        for end in (self._out, self._in):
            os.close(end)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
