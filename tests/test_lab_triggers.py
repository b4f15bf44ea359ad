"""Trigger codes: what reaches the port, in which order, and what is said where there is none."""

from __future__ import annotations

import sys
import time
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest

from experiments.lab.build import build_lab
from experiments.lab.player.records import LabError, read_study
from experiments.lab.player.triggers import EVENTS, code_of, open_trigger
from tests.small_study import TINY, make_study


class Recorder:
    """A port, or a package, that writes down what is asked of it."""

    def __init__(self, *arguments, **named):
        self.opened, self.said = (arguments, named), []
        Recorder.last = self

    def __getattr__(self, name):
        return lambda *arguments: self.said.append((name, *arguments))


@pytest.fixture
def packages(monkeypatch):
    """Doubles of pyserial, PsychoPy and pylsl."""
    psychopy = ModuleType("psychopy")
    psychopy.parallel = SimpleNamespace(ParallelPort=Recorder)
    lsl = SimpleNamespace(
        StreamInfo=lambda *arguments: arguments, StreamOutlet=Recorder
    )  # fmt: skip
    for name, double in {"serial": SimpleNamespace(Serial=Recorder), "psychopy": psychopy,
                         "pylsl": lsl}.items():  # fmt: skip
        monkeypatch.setitem(sys.modules, name, double)


def test_a_serial_port_gets_one_byte_for_each_code(packages):
    trigger = open_trigger("serial:/dev/ttyUSB0")
    assert Recorder.last.opened == (("/dev/ttyUSB0", 115_200), {"write_timeout": 1})
    for code in (1, 250, 255):
        trigger.rest()
        trigger.send(code)
    trigger.close()
    assert Recorder.last.said == [
        ("write", b"\x01"), ("write", b"\xfa"), ("write", b"\xff"), ("close",)
    ]  # fmt: skip
    open_trigger("serial:COM3:9600")
    assert Recorder.last.opened[0] == ("COM3", 9600)


def test_a_parallel_port_holds_a_code_until_the_next_flip(packages):
    trigger = open_trigger("parallel:0x0378")
    assert Recorder.last.opened == ((), {"address": 0x378})
    trigger.rest()  # before the flip that shows the stimulus
    trigger.send(7)  # right after it
    trigger.rest()  # before the next flip
    trigger.rest()
    assert Recorder.last.said == [("setData", 0), ("setData", 7), ("setData", 0)]


def test_the_pins_are_clear_at_the_end(packages):
    trigger = open_trigger("parallel:888")
    trigger.send(255)
    trigger.close()
    assert Recorder.last.said[-1] == ("setData", 0)


def test_lab_streaming_layer_gets_a_stream_of_markers(packages):
    trigger = open_trigger("lsl:study")
    trigger.send(3)
    [info] = Recorder.last.opened[0]
    assert info == ("study", "Markers", 1, 0, "int32", "mien-study")
    assert Recorder.last.said == [("push_sample", [3])]


def test_a_marker_really_arrives():
    pylsl = pytest.importorskip("pylsl", reason="pylsl is not installed")
    name = f"mien-{time.time_ns()}"
    trigger = open_trigger(f"lsl:{name}")
    [found] = pylsl.resolve_byprop("name", name, timeout=10)
    inlet = pylsl.StreamInlet(found)
    inlet.open_stream(timeout=10)
    end, samples = time.monotonic() + 20, []
    while len(samples) < 3 and time.monotonic() < end:
        trigger.send(len(samples) + 1)
        sample, at = inlet.pull_sample(timeout=5)
        assert abs(pylsl.local_clock() - at) < 5
        samples.append(sample)
    assert samples == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("where", "package"), [("serial:COM3", "serial"), ("parallel:0x378", "psychopy"),
                           ("lsl", "pylsl")],
)  # fmt: skip
def test_a_missing_package_is_named(monkeypatch, where, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(LabError, match=rf"--trigger {where}: .*{package}.*PsychoPy's Python"):
        open_trigger(where)


@pytest.mark.parametrize("where", ["usb", "serial", "parallel:", "serial:", "lpt1"])
def test_what_is_no_trigger_is_refused(where):
    with pytest.raises(LabError, match="accepted: serial:PORT, parallel:ADDRESS, lsl"):
        open_trigger(where)


def test_a_wrong_address_is_one_clear_line(packages):
    with pytest.raises(LabError, match="parallel:port: cannot be opened"):
        open_trigger("parallel:port")


def test_codes_of_trials_are_bytes_and_no_events():
    codes = [code_of(trial) for trial in range(1, 600)]
    assert codes[:3] == [1, 2, 3]
    assert codes[249] == 1
    assert set(codes) == set(range(1, 250))
    assert not set(codes) & set(EVENTS.values())


def test_the_folder_says_what_each_code_means(tmp_path):
    study = make_study(tmp_path / "study", TINY)
    lab = build_lab(study)
    table = pd.read_csv(lab / "codes.csv")
    events = table[table.slot.isna()].set_index("event").code.to_dict()
    assert events == EVENTS
    rows = table.dropna(subset="slot").set_index(["slot", "trial"])
    for slot, trials in read_study(lab).trials.items():
        for trial in trials:
            row = rows.loc[slot, trial["trial"]]
            assert (row.code, row.stimulus_id) == (code_of(trial["trial"]), trial["stimulus_id"])
            assert row.condition == trial["condition"]
