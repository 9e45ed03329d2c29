"""Tests report.html in a real browser, which shows it without errors or network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.display.page.document import page
from tests.experiments.pages import run

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROBE = """<script>
const marks = [...document.querySelectorAll("[data-tip][tabindex]")];
const shown = marks.slice(0, 40).map(mark => {
  mark.focus();
  if (!document.hasFocus()) mark.dispatchEvent(new FocusEvent("focusin", {bubbles: true})); // a window without focus
  const box = tip.getBoundingClientRect();
  const inside = box.left >= 0 && box.right <= innerWidth;
  return !tip.hidden && tip.textContent === mark.getAttribute("aria-label") && inside;
});
document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
const texts = [...document.querySelectorAll("p, td, th, li")];
const found = {shown, hides: tip.hidden, width: innerWidth, wide: document.documentElement.scrollWidth,
  small: texts.filter(one => parseFloat(getComputedStyle(one).fontSize) < 11).length};
document.title = "PROBE" + JSON.stringify(found) + "END";
</script>"""


def browser() -> str:
    found = next((name for name in BROWSERS if shutil.which(name)), "")
    if not found:
        pytest.skip("no headless Chromium is installed")
    return found


def requested(log: Path) -> Iterator[str]:
    """The addresses that the browser asked the network for."""
    for address in re.findall(r'"url":"([^"]*)"', log.read_text()):
        if not address.startswith(("file:", "data:", "about:", "chrome:", "devtools:")):
            yield address


@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_it_without_errors_or_network(width: int, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(page(run()).replace(b"</body>", PROBE.encode() + b"</body>"))
    options = ["--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--window-size={width},900"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={tmp_path / 'net.json'}", "--dump-dom"]
    started = [browser(), *options, (tmp_path / "page.html").as_uri()]
    done = subprocess.run(started, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    assert not [*requested(tmp_path / "net.json")]
    probe = re.search(r"<title>PROBE(.*?)END</title>", done.stdout)
    assert probe
    found = json.loads(probe[1])
    assert found["shown"]
    assert all(found["shown"])
    assert found["hides"]
    assert found["wide"] <= found["width"] == width
    assert found["small"] == 0
