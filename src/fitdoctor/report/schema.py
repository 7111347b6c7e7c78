"""The JSON Schema of `report.json`, published as `docs/report.schema.json`.

`python -m fitdoctor.report.schema > docs/report.schema.json` writes it again after the model has changed.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

from fitdoctor.report.model import SCHEMA_VERSION, Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Gives the schema that every report follows.

    Example:
        >>> jsonschema.validate(json.loads(to_json(report)), schema())
    """
    import msgspec

    made = msgspec.json.schema(Report)
    for definition in made["$defs"].values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
        for field in definition.get("properties", {}).values():
            if (
                field.get("default") == {}
            ):  # msgspec names an empty mapping from 0.23 on, and the schema is the same with each
                del field["default"]
    made["$defs"]["Report"]["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {"$schema": DIALECT, "title": "fitdoctor report", **made}


def schema_text() -> str:
    """Gives the schema as the committed file holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
