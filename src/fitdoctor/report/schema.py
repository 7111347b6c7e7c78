"""The JSON Schema of `report.json`, published as `docs/report.schema.json`.

`python -m fitdoctor.report.schema > docs/report.schema.json` writes it after a change of the model.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from typing import Any

from fitdoctor.report import model
from fitdoctor.report.model import SCHEMA_VERSION, Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Returns the schema that every report follows.

    Example:
        >>> jsonschema.validate(json.loads(to_json(report)), schema())
    """
    import msgspec

    made = msgspec.json.schema(Report)
    for name, definition in made["$defs"].items():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
        comments = field_comments(getattr(model, name))
        for field_name, field in definition.get("properties", {}).items():
            if field.get("default") == {}:  # msgspec adds it from 0.23 on; the schema must not depend on its version
                del field["default"]
            if comment := comments.get(field_name):
                field["description"] = comment
    made["$defs"]["Report"]["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {"$schema": DIALECT, "title": "fitdoctor report", **made}


def field_comments(kind: type) -> dict[str, str]:
    """Returns the comment above each field of a dataclass. A comment above several fields belongs to the first.

    Example:
        >>> field_comments(Evidence)["text"]
        'A whole sentence.'
    """
    source = textwrap.dedent(inspect.getsource(kind))
    lines = source.splitlines()
    comments: dict[str, str] = {}
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            above: list[str] = []
            for line in reversed(lines[: statement.lineno - 1]):
                if not line.strip().startswith("#"):
                    break
                above.insert(0, line.strip().removeprefix("#").strip())
            if above:
                comments[statement.target.id] = " ".join(above)
    return comments


def schema_text() -> str:
    """Returns the schema as the committed file holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
