"""A folder may hold files that are called like the facts of a rule's example; they are files all the same."""

from __future__ import annotations

from auditor.model.snapshot import Missing
from auditor.platforms.postfix import POSTFIX


def test_a_file_called_files_cannot_state_what_only_a_server_could_tell() -> None:
    lie = b'{"/etc/postfix/main.cf": {"mode": "0644"}}'
    snapshot = POSTFIX.from_files({"main.cf": b"compatibility_level = 3.6\n", "files": lie, "certificates": lie}, None)
    assert isinstance(snapshot.section("files").content, Missing)
    assert snapshot.taken_at is None
