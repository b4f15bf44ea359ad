"""Work spread over processes: in order, and ended at once however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stimuli.processes import in_processes

ROOT = Path(__file__).parent.parent
WAIT = 20  # s, after which a worker or a parent counts as stuck


def squared(number: int) -> int:
    return number**2


def killed_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)  # as for want of memory
    return number


def slow_after_the_first(number: int) -> int:
    if number:
        time.sleep(10 * WAIT)
    return number


def nobody_is_left() -> bool:
    until = time.time() + WAIT
    while multiprocessing.active_children() and time.time() < until:
        time.sleep(0.05)
    return not multiprocessing.active_children()


def test_results_come_in_the_order_of_the_jobs():
    assert list(in_processes(squared, range(20), 2)) == [n**2 for n in range(20)]
    assert nobody_is_left()


def test_who_stops_asking_waits_for_no_job():
    start = time.time()
    results = in_processes(slow_after_the_first, range(9), 2)
    assert next(results) == 0
    results.close()
    assert time.time() - start < WAIT
    assert nobody_is_left()


def in_a_script(code: str) -> subprocess.CompletedProcess:
    """Run lines of Python, for what may hang: a fault is a failure and not the end of all tests."""
    lines = "from stimuli.processes import in_processes\nfrom tests import test_processes as own\n"
    return subprocess.run(
        [sys.executable, "-c", lines + code], cwd=ROOT, capture_output=True, text=True, timeout=WAIT
    )


def test_a_worker_that_is_killed_is_an_error_and_no_end_of_waiting():
    ran = in_a_script("list(in_processes(own.killed_at_three, range(9), 2))")
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert "UserError: a process ended in the middle of its work: too little memory" in last


def test_an_interruption_ends_all_though_a_worker_has_ended_before():
    """Of two workers one has ended on its own when Ctrl-C comes, as at the end of the jobs."""
    ran = in_a_script(
        "import multiprocessing\n"
        "results = in_processes(own.slow_after_the_first, range(9), 2)\n"
        "next(results)\n"
        "multiprocessing.active_children()[0].kill()\n"
        "try:\n"
        "    results.throw(KeyboardInterrupt)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "interrupted\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_workers_end_with_a_parent_that_is_killed():
    code = (
        "import multiprocessing, sys\n"
        "from stimuli.processes import in_processes\n"
        "from tests import test_processes as own\n"
        "results = in_processes(own.slow_after_the_first, range(9), 2)\n"
        "next(results)\n"
        "print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "next(results)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.kill()
    until = time.time() + WAIT
    while any(runs(pid) for pid in workers):
        assert time.time() < until, "a worker lives on"
        time.sleep(0.05)


def runs(pid: int) -> bool:
    """Whether a process runs (one that has ended but is not reaped does not)."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(said.stdout.strip()) and not said.stdout.startswith("Z")
