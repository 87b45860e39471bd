"""TLS settings: protocol lists, levels, and which certificate belongs to which key. After tls_proto.c and reference/postfix.md 1.6."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from auditor.model.host import Release
from auditor.model.origin import Fact, Origin, Unknown
from auditor.model.snapshot import Missing, Snapshot
from auditor.platforms.postfix import readings
from auditor.platforms.postfix.logic import Reader, either
from auditor.platforms.postfix.settings import Scope

VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_OLD = frozenset(VERSIONS[:4])
_BY_NAME = {name.lower(): at for at, name in enumerate(VERSIONS)}
_BY_NUMBER = {0x0002: 0, 0x0300: 1, 0x0301: 2, 0x0302: 3, 0x0303: 4, 0x0304: 5}


def protocols(text: str, release: Release | Unknown) -> tuple[tuple[str, ...], str]:
    """The versions that a protocol list lets through, and what is wrong with it (then: no version, TLS does not work)."""
    has_bounds = isinstance(release, Unknown) or release.numbers >= (3, 6)
    included, excluded, low, high, note = set[int](), set[int](), 0, len(VERSIONS) - 1, ""
    for word in re.split(r"[,\s:]+", text.strip()):
        bound = word[:2] if word[:2] in {">=", "<="} else ""
        name = word.removeprefix(bound).removeprefix("!")
        if bound and not name:
            note = f"a blank after {bound}: the version that follows is the only one"
            continue
        if not name:
            continue
        at = _version(name, has_bounds)
        if at is None or (bound and not has_bounds):
            return (), f"{word} is no protocol of this release: TLS does not work"
        if bound == ">=":
            low = at
        elif bound == "<=":
            high = at
        else:
            (excluded if word.startswith("!") else included).add(at)
    chosen = included or set(range(len(VERSIONS)))
    return tuple(VERSIONS[at] for at in sorted(chosen - excluded) if low <= at <= high), note


def _version(name: str, has_numbers: bool) -> int | None:
    if has_numbers and re.fullmatch(r"0x[0-9a-f]{1,4}", name):
        return _BY_NUMBER.get(int(name, 16))
    return _BY_NAME.get(name.lower())


def versions(reader: Reader, name: str, release: Release | Unknown) -> Fact[tuple[str, ...]]:
    """The versions that a protocol parameter lets through."""
    setting = reader.scope.lookup(name)
    if isinstance(setting.value, Unknown):
        return Fact(setting.value, (setting,))
    return Fact(protocols(setting.text, release)[0], (setting,))


def problem(reader: Reader, name: str, release: Release | Unknown) -> Fact[str]:
    """What is wrong with a protocol parameter."""
    setting = reader.scope.lookup(name)
    if isinstance(setting.value, Unknown):
        return Fact(setting.value, (setting,))
    return Fact(protocols(setting.text, release)[1], (setting,))


def allows_old(chosen: Fact[tuple[str, ...]]) -> Fact[bool]:
    """Whether a version below TLSv1.2 is let through."""
    value = chosen.value
    return Fact(value if isinstance(value, Unknown) else not _OLD.isdisjoint(value), chosen.because)


def level(reader: Reader, prefix: str, levels: frozenset[str]) -> str | Unknown:
    """The level that `<prefix>_tls_security_level` and its obsolete companions come to; Unknown when it is no level."""
    written = reader.text(f"{prefix}_tls_security_level")
    if isinstance(written, Unknown):
        return written
    if written:
        if written in levels:
            return written
        return Unknown(f"{prefix}_tls_security_level = {written} is no level")
    enforced, used = reader.flag(f"{prefix}_enforce_tls"), reader.flag(f"{prefix}_use_tls")
    if enforced is True:
        return "encrypt"
    return "may" if used is True else next((v for v in (enforced, used) if isinstance(v, Unknown)), "none")


def certificate_files(scope: Scope, prefix: Literal["smtpd", "smtp", "lmtp"]) -> Iterator[tuple[str, str, Origin]]:
    """Certificate file, key file and where that is written, for each certificate that a service presents."""
    chain = scope.lookup(f"{prefix}_tls_chain_files")
    if isinstance(chain.value, tuple) and chain.value:
        for path, key_file in _chain(scope.snapshot, chain.value):
            yield path, key_file, chain.origin
        return
    for kind in ("", "d", "ec"):
        certificate = scope.lookup(f"{prefix}_tls_{kind}cert_file")
        key = scope.lookup(f"{prefix}_tls_{kind}key_file")
        if isinstance(certificate.value, str) and certificate.value not in {"", "none"}:
            yield certificate.value, key.text or certificate.value, certificate.origin


def _chain(snapshot: Snapshot, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The files of a list that hold a certificate, each with the file of its key: each key stands before its certificate (postconf(5)).

    What nobody could look into is taken for both.
    """
    key_file = ""
    for path in paths:
        key, certificate = snapshot.section(f"public-key {path}"), snapshot.section(f"certificate {path}")
        holds_key = isinstance(key.content, Missing) or not isinstance(readings.public_key(key), Missing)
        key_file = path if holds_key or not key_file else key_file
        if isinstance(certificate.content, Missing) or not isinstance(readings.certificate(certificate), Missing):
            yield path, key_file


def has_certificate(reader: Reader, prefix: str) -> bool | Unknown:
    """Whether a certificate is configured."""
    named = (reader.text(f"{prefix}_tls_{kind}cert_file") for kind in ("", "d", "ec"))
    files = (value if isinstance(value, Unknown) else value not in {"", "none"} for value in named)
    return either(reader.is_filled(f"{prefix}_tls_chain_files"), *files)
