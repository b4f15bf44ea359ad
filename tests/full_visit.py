"""`make validate`, second part: one participant of Blume's experiment 2, in a real browser.

All 120 trials, from consent to the last page. After a quarter the network is gone for a minute;
half-way the tab is closed, the server killed (kill -9) and started again, and the participant comes
back. Prints how many rating rows there are.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from protocols.ratings import read_ratings
from tests.chromium import chromium
from tests.serving import Serving
from tests.visitor import Visitor

ROOT = Path(__file__).parents[1]
PROTOCOL = "protocols/blume2024-experiment2.yaml"
QUARTER, HALF = 30, 60  # trials before the network is gone; before the tab is closed
UNSENT = 20  # trials that are answered while the network is gone
WITHOUT_S = 60.0  # seconds without a network
ONLINE = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Generate, build, take part, count; fails unless 120 rows are there."""
    with tempfile.TemporaryDirectory() as place:
        study = Path(place) / "study"
        mien("generate", PROTOCOL, "-o", str(study), "--generator", "actor")
        mien("study", "build", str(study))
        first, last = take_part(study, Path(place) / "profile")
        console.print("pages:", " > ".join([*first.pages, *last.pages]), markup=False)
        ratings = read_ratings(study / "ratings.csv")
        shown = ratings[ratings["kind"] == "rating"]
        console.print(f"{len(shown)} rating rows, {shown['trial'].nunique()} different trials")
        kept = (shown.loc[shown["trial"] <= HALF, "response"] == 7).all()
        console.print(
            f"answers given before the tab was closed are kept: {'yes' if kept else 'NO'}"
        )
        if len(shown) != 120 or shown["trial"].nunique() != 120 or not kept:
            sys.exit(1)


def take_part(study: Path, profile: Path) -> tuple[Visitor, Visitor]:
    """Both halves of the visit; every trial of the first is answered with 7, of the second 3."""
    with Serving(study) as server:
        url = f"{server.url}/?PROLIFIC_PID=try-out"
        with chromium(str(profile)) as browser:
            first = Visitor(browser, url)
            first.consent()
            first.go_to_trial()
            for _ in range(QUARTER):
                first.answer(key="7")
            without_network(first)
            for _ in range(HALF - QUARTER - UNSENT):
                first.answer(key="7")
            first.wait(lambda: "All answers saved" in browser.page_source, "word of saving")
        server.kill()
        server.start()
        with chromium(str(profile)) as browser:
            last = Visitor(browser, url)
            last.finish(lambda visitor: visitor.answer(key="3"), fill)
    return first, last


def without_network(visitor: Visitor) -> None:
    """A minute offline, in which trials are answered; the page says so, and sends them later."""
    browser, began = visitor.browser, time.monotonic()
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", ONLINE | {"offline": True})
    for _ in range(UNSENT):
        visitor.answer(key="7")
    while time.monotonic() < began + WITHOUT_S:
        time.sleep(1)
    waiting = browser.find_element("id", "saving").text
    console.print(f"after {WITHOUT_S:.0f} s without a network the page says: {waiting}")
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", ONLINE)
    visitor.wait(lambda: "All answers saved" in browser.page_source, "word of saving")


def fill(visitor: Visitor) -> None:
    """Answer each question of the questionnaire with its first option."""
    for fieldset in visitor.all("main fieldset"):
        inputs = fieldset.find_elements("css selector", "input")
        if inputs:
            inputs[0].click()


def mien(*command: str) -> None:
    """Run a verb as a user would; its output is shown."""
    subprocess.run([sys.executable, "mien.py", *command], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
