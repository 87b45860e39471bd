"""A file that the collecting user may not look at is unknown; one that is not there has no state."""

from __future__ import annotations

from dataclasses import replace

from auditor.model.origin import Unknown
from auditor.model.snapshot import Section
from auditor.platforms.postfix import POSTFIX


def test_a_key_that_nobody_may_look_at_is_unknown_and_never_left_out() -> None:
    main = b"compatibility_level = 3.6\nsmtpd_tls_cert_file = /etc/ssl/mx.pem\nsmtpd_tls_key_file = /etc/ssl/private/mx.key\n"
    snapshot = POSTFIX.from_files({"main.cf": main}, None)
    told = b"/etc/ssl/private/mx.key: Permission denied\n/etc/ssl/private/old.key: No such file or directory\n"
    states = Section(name="files", content=b"81a4/0/root/0/root/900/1767225600//etc/ssl/mx.pem\n", errors=told)
    model = POSTFIX.parse(replace(snapshot, sections={**snapshot.sections, "files": states}))
    assert isinstance(model.private_keys, tuple)
    assert [each.path for each in model.private_keys] == ["/etc/ssl/private/mx.key"]
    assert model.private_keys[0].mode == Unknown("/etc/ssl/private/mx.key: Permission denied")
