"""Write the JSON Schema of the JSON report from its dataclasses; with --check only say whether the file is current."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from auditor.report import document

FILE = Path(document.__file__).parent / f"mailaudit-report-{document.VERSION}.schema.json"


def schema() -> str:
    """The schema as text."""
    made = msgspec.json.schema(document.Document)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mailaudit report"}
    return json.dumps(head | made, indent=1, ensure_ascii=True) + "\n"


def main(arguments: list[str]) -> int:
    """0: the file is current or was written; 1: --check found it outdated."""
    if arguments == ["--check"]:
        current = FILE.is_file() and FILE.read_text(encoding="utf-8") == schema()
        print("current" if current else f"{FILE} is outdated: run python docs/report_schema.py")
        return 0 if current else 1
    FILE.write_text(schema(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
