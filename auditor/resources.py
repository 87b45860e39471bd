"""Where the shipped rules, the example inventory and the demo's snapshots are: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

from auditor.errors import AuditorError

_PACKAGE = Path(__file__).parent


def shipped(name: str) -> Path:
    """The path of a shipped folder or file, named relative to the top of the repository. Raises AuditorError when it is not there."""
    # An editable install has no _shipped folder: hatchling's force-include acts on wheels only.
    for home in (_PACKAGE / "_shipped", _PACKAGE.parent):
        if (home / name).exists():
            return home / name
    raise AuditorError(
        f"{name} is not part of this installation", "install mailaudit again: pip install --force-reinstall mailaudit"
    )
