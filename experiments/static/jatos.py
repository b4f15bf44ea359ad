"""The study file (.jas) of a JATOS archive, version 3.

https://www.jatos.org/JATOS-Study-Archive-JZIP.html: an archive is a ZIP of one folder with the
study's files and one .jas, which names that folder (`dirName`).
"""

from __future__ import annotations

import uuid
from typing import Any

from experiments.plan import Plan
from protocols.protocol import Protocol

VERSION = "3"
WORKERS = ("PersonalSingle", "Jatos", "PersonalMultiple", "GeneralSingle", "GeneralMultiple")


def study_file(protocol: Protocol, plan: Plan) -> dict[str, Any]:
    """The contents of the .jas. The same plan has the same ids, so JATOS knows it again."""

    def name(part: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{protocol.name} {plan.digests[0]} {part}"))

    component = {
        "uuid": name("component"),
        "title": "Study",
        "htmlFilePath": "index.html",
        "reloadable": True,
        "active": True,
        "comments": "",
        "jsonData": None,
    }
    batch = {
        "uuid": name("batch"),
        "title": "Default",
        "active": True,
        "maxActiveMembers": None,
        "maxTotalMembers": None,
        "maxTotalWorkers": None,
        "allowedWorkerTypes": list(WORKERS),
        "comments": None,
        "jsonData": None,
    }
    return {
        "version": VERSION,
        "data": {
            "uuid": name("study"),
            "title": protocol.name,
            "description": "",
            "groupStudy": False,
            "linearStudy": False,
            "allowPreview": False,
            "dirName": protocol.name,
            "comments": "",
            "jsonData": None,
            "endRedirectUrl": "",
            "studyEntryMsg": None,
            "componentList": [component],
            "batchList": [batch],
        },
    }
