"""A real browser, and what the tests of pages ask of it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

CONTRAST = """
const luminance = ([r, g, b]) => {
  const part = v => (v /= 255, v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const numbers = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
const behind = node => {
  for (; node; node = node.parentElement) {
    if (node.closest && node.tagName === 'text') {
      const box = node.parentElement.querySelector('rect');
      return numbers(getComputedStyle(box).fill);
    }
    const found = numbers(getComputedStyle(node).backgroundColor);
    if (found.length === 3 || found[3] === 1) return found;
  }
  return [255, 255, 255];
};
const weak = [];
for (const node of document.querySelectorAll('body *')) {
  const own = [...node.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || ['title', 'desc', 'style'].includes(node.tagName)) continue;
  const style = getComputedStyle(node);
  const ink = numbers(node.tagName === 'text' ? style.fill : style.color).slice(0, 3);
  const [a, b] = [luminance(ink), luminance(behind(node))].sort((x, y) => y - x);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) {
    weak.push(`${node.textContent.trim().slice(0, 30)}: ${style.color}`);
  }
}
return [weak, document.querySelectorAll('body *').length];
"""


@contextmanager
def chromium() -> Iterator[Chrome]:
    """A browser with an empty profile, which logs what is asked of the network."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("chromium or chromedriver is not installed")
    options = ChromeOptions()
    options.binary_location = program
    profile = Path(tempfile.mkdtemp())
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    chrome = Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()
        shutil.rmtree(profile, ignore_errors=True)


def look(browser: Chrome, *, width: int = 1200, dark: bool = False, media: str = "screen") -> None:
    """Look at pages as somebody with this screen does."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def asked(browser: Chrome) -> list[str]:
    """Return the addresses of what was asked of the network since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        each["params"]["request"]["url"]
        for each in events
        if each["method"] == "Network.requestWillBeSent"
    ]
