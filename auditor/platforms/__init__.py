"""The mail servers that we know: one folder each, one line here."""

from __future__ import annotations

from typing import Any

from auditor.interfaces import Platform
from auditor.platforms.postfix import POSTFIX

PLATFORMS: tuple[Platform[Any], ...] = (POSTFIX,)
