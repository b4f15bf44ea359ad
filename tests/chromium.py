"""A real, headless Chromium for the tests that need one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--force-device-scale-factor=1", "--lang=en",
)  # fmt: skip


@contextmanager
def chromium(profile: str | None = None, size: tuple[int, int] = (1100, 800)) -> Iterator:
    """A browser with a profile of its own, or with `profile` to come back to."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium and chromedriver on PATH")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as fresh:
        options = Options()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--window-size={size[0]},{size[1] + 90}"):
            options.add_argument(flag)
        options.add_argument(f"--user-data-dir={profile or fresh}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        browser = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            yield browser
        finally:
            browser.quit()
