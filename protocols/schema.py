"""JSON Schema of the protocol, which gives completion and warnings in editors such as VS Code.

Put `# yaml-language-server: $schema=mien.schema.json` on the first line of a protocol, with the
file that `mien schema` writes beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from protocols.manifest import write_json
from protocols.protocol import Protocol

NAME = "mien.schema.json"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a protocol file."""
    made = Protocol.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def write_schema(path: Path) -> Path:
    """Write the schema to `path`, a file or a folder."""
    path = path / NAME if path.is_dir() else path
    write_json(path, schema())
    return path
