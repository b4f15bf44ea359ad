"""What PsychoPy makes of a `.psyexp`: loads it, saves it again, writes its script; prints JSON.

python lab_psyexp.py FILE SCRIPT [NAME=VALUE …]   with PsychoPy's own Python; NAME: of a setting
"""

from __future__ import annotations

import json
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from psychopy import logging
from psychopy.experiment import Experiment

file, script, *settings = sys.argv[1:]
said = Path(tempfile.mkdtemp(), "log.txt")
logging.LogFile(str(said), level=logging.WARNING)


def load(path: str) -> Experiment:
    experiment = Experiment()
    experiment.loadFromXML(path)
    return experiment


def params(root: ET.Element) -> dict[str, list[str]]:
    """Where -> value, and how often it is evaluated, of every parameter that is written."""
    found: dict[str, list[str]] = {}
    for section in (root.find("Settings"), *root.iterfind(".//Routines/Routine/*"),
                    *root.iterfind(".//LoopInitiator")):  # fmt: skip
        assert section is not None
        for param in section.iterfind("Param"):
            where = f"{section.tag} {section.get('name')} {param.get('name')}"
            value = (param.get("val") or "").replace("&#10;", "\n")
            found[where] = [value, (param.get("updates") or "").replace("None", "constant")]
    return found


experiment = load(file)
again = said.with_name("again.psyexp")
experiment.saveToXML(str(again))
twice = said.with_name("twice.psyexp")
load(str(again)).saveToXML(str(twice))
ours, theirs = params(ET.parse(file).getroot()), params(ET.parse(again).getroot())
lost = {where: [value, theirs.get(where)] for where, value in ours.items()
        if where not in theirs or theirs[where][0] != value[0]
        or (value[1] and theirs[where][1] != value[1])}  # fmt: skip
for setting in settings:
    name, _, value = setting.partition("=")
    experiment.settings.params[name].val = {"False": False, "True": True}.get(value, value)
Path(script).write_text(experiment.writeScript(expPath=script, target="PsychoPy"))
logging.flush()
warned = [line for line in said.read_text().splitlines() if "Monitor specification" not in line]
kinds = {type(part).__name__ for routine in experiment.routines.values() for part in routine}
sys.stdout.write(json.dumps({
    "lost": lost,
    "same": again.read_bytes() == twice.read_bytes(),
    "unknown": sorted(kind for kind in kinds if "Unknown" in kind),
    "said": warned,  # without what is said of a computer that has no calibrated monitor
    "kinds": sorted(kinds),
    "flow": [f"{type(step).__name__} {step.name}" for step in experiment.flow],
}) + "\n")  # fmt: skip
