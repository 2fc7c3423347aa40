"""Headless Chromium, driven through a pair of pipes, so that nothing but the browser is needed."""

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"
OPTIONS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-extensions"),
)
WAIT = 20  # seconds for one answer
_PALE = """(() => {
  const linear = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map(linear);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = e => {
    while (e && /, 0\\)$/.test(getComputedStyle(e).backgroundColor)) e = e.parentElement;
    return e ? getComputedStyle(e).backgroundColor : 'rgb(255, 255, 255)';
  };
  const low = [];
  for (const e of document.querySelectorAll('body *:not(script, style, svg, svg *)')) {
    const own = [...e.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !e.offsetHeight || !e.checkVisibility() || e.closest('.off')) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) low.push([e.className || e.tagName, e.textContent.slice(0, 20), ratio]);
  }
  return JSON.stringify(low);
})()"""
_START = """
import os, sys
os.dup2(int(sys.argv[1]), 3), os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def missing():
    """Why there is no browser; "" if there is one."""
    return "" if any(map(shutil.which, NAMES)) else f"no browser: none of {', '.join(NAMES)} is installed"


@contextlib.contextmanager
def browser():
    """A ``Tab`` of a browser of its own, which is ended afterwards."""
    (theirs_in, write), (read, theirs_out) = os.pipe(), os.pipe()
    theirs_in, theirs_out = _moved(theirs_in), _moved(theirs_out)
    command = next(filter(None, map(shutil.which, NAMES)))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # Its ends are at 3 and 4, where a process in between puts them: to fork this one, in which JAX runs, is unsafe.
        arguments = [str(theirs_in), str(theirs_out), command, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", _START, *arguments],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Tab(read, write)
        finally:
            process.terminate()
            process.wait(WAIT)
            os.close(read)
            os.close(write)


def _moved(end):
    """An end of a pipe at a number that is neither 3 nor 4."""
    high = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return high


class Tab:
    """One tab: ``events`` are those of the page since it was opened, in the words of Chrome's DevTools protocol."""

    def __init__(self, read, write):
        self.read, self.write, self.numbers = read, write, itertools.count(1)
        self.rest, self.events, self.session = b"", [], None
        targets = self.send("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Performance.enable", timeDomain="threadTicks")

    def send(self, method, **params):
        """The result of a command; RuntimeError where it fails."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)
        raise TimeoutError(method)

    def _next(self):
        while b"\0" not in self.rest:
            if not select.select([self.read], [], [], WAIT)[0]:
                raise TimeoutError("the browser does not answer")
            if not (more := os.read(self.read, 1 << 20)):
                raise EOFError("the browser has ended")
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def open(self, url, width=1280, height=900, dark=False):
        self.wide(width, height)
        self.scheme(dark)
        for address in ("about:blank", url):  # from a page to a place in itself, nothing would be loaded
            self.events = []
            self.send("Page.navigate", url=address)
            while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
                self.events.append(self._next())

    def wide(self, width, height=900):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        self.send("Emulation.setDeviceMetricsOverride", **size)

    def scheme(self, dark, media=""):
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=features, media=media)

    def run(self, script):
        """The value of a JavaScript expression; RuntimeError where it throws."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key, code=0, text=""):
        for kind, said in (("keyDown", text), ("keyUp", "")):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, text=said)

    def tap(self, selector):
        """Touch the middle of an element."""
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[self._middle(selector)])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def point(self, selector):
        """Move the mouse to the middle of an element."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", **self._middle(selector))

    def click(self, selector):
        at = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def _middle(self, selector):
        found = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        return self.run(f"(r => ({{x: r.x + r.width / 2, y: r.y + r.height / 2}}))({found})")

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def seconds(self):
        """What the page has computed since it was opened, by the processor's time: others may be at work as well."""
        metrics = self.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    def pale(self):
        """Texts that stand out from what is behind them by less than 4.5, each with its ratio."""
        return json.loads(self.run(_PALE))

    def problems(self):
        """Errors on the console, and requests beyond the page itself."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
                found.append(str(params["args"]))
            elif method == "Log.entryAdded":
                found.append(params["entry"]["text"])
            elif method == "Network.requestWillBeSent" and params["type"] != "Document":
                url = params["request"]["url"]
                found += [f"request: {url}"] * (not url.startswith("data:"))  # which is in the page
        return found
