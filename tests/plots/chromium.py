"""A browser without a window, driven over its own debugging pipe: no package, no port, no network."""

import itertools
import json
import os
import shutil
import subprocess
from contextlib import contextmanager

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--remote-debugging-pipe",
)  # fmt: skip


def find_chromium():
    """Where a Chromium is installed, if one is."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for path in map(shutil.which, names) if path), None)


class Tab:
    """One open page, its errors, and what a reader can do with it."""

    def __init__(self, to_browser, from_browser):
        self.to_browser, self.from_browser, self.numbers = to_browser, from_browser, itertools.count(1)
        self.session, self.errors, self.loaded = None, [], False
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method, **parameters):
        """Asks for something and returns the answer; what happens meanwhile is noted."""
        number = next(self.numbers)
        session = {"sessionId": self.session} if self.session else {}
        self.to_browser.write(json.dumps({"id": number, "method": method, "params": parameters, **session}).encode())
        self.to_browser.write(b"\0")
        self.to_browser.flush()
        while (message := self.receive()).get("id") != number:
            pass
        assert "error" not in message, message["error"]
        return message["result"]

    def receive(self):
        """The next answer or event."""
        text = bytearray()
        while (letter := self.from_browser.read(1)) not in (b"\0", b""):
            text += letter
        assert text, "Chromium ended"
        message = json.loads(text)
        method, parameters = message.get("method"), message.get("params", {})
        self.loaded |= method == "Page.loadEventFired"
        if method in ("Runtime.exceptionThrown", "Log.entryAdded") or parameters.get("type") == "error":
            self.errors.append(parameters)
        return message

    def open(self, path, width=1200, height=800):
        """Shows a file."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.loaded = False
        self.send("Page.navigate", url=path.as_uri())
        while not self.loaded:
            self.receive()
        self.settle()

    def run(self, script):
        """The value of an expression, awaited."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def settle(self):
        """Waits until what was asked for has been drawn, the fine drawing after a movement too."""
        self.run("new Promise(done => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 250))")

    def mouse(self, kind, x, y, **more):
        """Moves, presses (`mousePressed`) or turns the wheel of the mouse."""
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, start, end):
        """Presses the left button, moves and lets go."""
        self.mouse("mousePressed", *start, button="left", buttons=1, clickCount=1)
        self.mouse("mouseMoved", *end, button="left", buttons=1)
        self.mouse("mouseReleased", *end, button="left", clickCount=1)
        self.settle()

    def key(self, key, shift=False):
        """Presses a key."""
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=8 if shift else 0)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)


@contextmanager
def browser(chromium, home):
    """Starts Chromium with a profile of its own; the pipe is its file 3 for reading and 4 for writing."""
    read_command, write_command = os.pipe()
    read_answer, write_answer = os.pipe()
    command = [chromium, *FLAGS, f"--user-data-dir={home}"]
    shell = f'exec "$@" 3<&{read_command} 4>&{write_answer}'
    with (
        open(home / "log", "wb") as log,
        open(write_command, "wb") as to_browser,
        open(read_answer, "rb") as from_browser,
    ):
        process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *command], pass_fds=(read_command, write_answer), stdout=log, stderr=log
        )
        os.close(read_command)
        os.close(write_answer)
        try:
            tab = Tab(to_browser, from_browser)
            yield tab
            tab.session = None
            tab.send("Browser.close")
        finally:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
