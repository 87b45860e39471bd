"""smtpd_tls_chain_files: which file holds the key, and whose certificate it is."""

from __future__ import annotations

from dataclasses import replace

from auditor.model.snapshot import Section, Snapshot
from auditor.platforms.postfix import POSTFIX

MAIN = b"compatibility_level = 3.6\nsmtpd_tls_security_level = may\nsmtpd_tls_chain_files = /etc/ssl/mx.key, /etc/ssl/mx.pem\n"
PUBLIC = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"
CERTIFICATE = b"Certificate:\n Subject: CN = mx.example.org\n" + PUBLIC
FILES = b"81a0/0/root/0/root/119/1767225600//etc/ssl/mx.key\n81a4/0/root/0/root/900/1767225600//etc/ssl/mx.pem\n"


def with_sections(**answers: tuple[str, bytes, int]) -> Snapshot:
    snapshot = POSTFIX.from_files({"main.cf": MAIN}, None)
    sections = {
        name: Section(name=name, content=content, status=status, errors=b"unable to load" if status else b"")
        for name, content, status in answers.values()
    }
    return replace(snapshot, sections={**snapshot.sections, **sections})


def test_a_key_and_its_certificate_in_files_of_their_own_belong_together() -> None:
    model = POSTFIX.parse(
        with_sections(
            files=("files", FILES, 0),
            key=("public-key /etc/ssl/mx.key", PUBLIC, 0),
            key_as_certificate=("certificate /etc/ssl/mx.key", b"", 1),
            certificate=("certificate /etc/ssl/mx.pem", CERTIFICATE, 0),
            certificate_as_key=("public-key /etc/ssl/mx.pem", b"", 1),
        )
    )
    assert isinstance(model.certificates, tuple)
    assert [(each.path, each.fits_key) for each in model.certificates] == [("/etc/ssl/mx.pem", True)]
    assert isinstance(model.files, tuple)
    purposes = {each.path: each.purpose for each in model.files if each.path.startswith("/etc/ssl/")}
    assert purposes == {"/etc/ssl/mx.key": "private key", "/etc/ssl/mx.pem": "certificate"}
