"""The wire format of a collection, which is also the format of a snapshot file: the recorded standard output of the script, byte for byte.

    mailaudit-snapshot 1 <SHA-256 of the script> <seconds since 1970 on the server>
    # a line that says what the file holds
    @ <status> <bytes of stdout> <bytes of stderr> <section name>
    <stdout><stderr>
    @sum <POSIX cksum, or -> <bytes>
    @end <number of sections>

`status` is the exit status of the command, or `missing`: then the payload is the reason. A `@sum` line stands behind every few
sections and covers all bytes since the last one. What a login shell says before the first line is skipped.
Whatever arrives is judged, never trusted: a section that is cut off, damaged or holds a secret becomes `Missing`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from auditor.errors import CollectionFailed
from auditor.model.snapshot import Missing, Section, Snapshot

VERSION = 1
MAGIC = b"mailaudit-snapshot "
MAX_NOISE = 65_536  # arbitrary: more than any message of the day
MAX_SECTION = 9 * 1024 * 1024  # the scripts stop at 8 MiB
MAX_SECTIONS = 20_000  # arbitrary: a host with a hundred instances has a tenth of it
MAX_HEADER = 4_400  # PATH_MAX and the numbers

CUT_OFF = "the transfer was cut off"
DAMAGED = "the transfer was damaged"
REFUSED = "refused: it looks like it holds a secret"

_HEADER = re.compile(
    rb"@ (missing|\d{1,3}) (\d{1,9}) (\d{1,9}) ([a-z]{1,64}(?:\[/[^\]\x00-\x1f\x7f]{0,4200}+\])?/[^\x00-\x1f\x7f]{1,4200})\n"
)
_SUM = re.compile(rb"@sum (\d{1,10}|-) (\d{1,9})\n")
_END = re.compile(rb"@end (\d{1,6})\n")

# Shapes of secrets that no collection script sends: whoever sees one here has met a bug, or a file that is not what it seems.
# What is searched is hostile, and a search holds up every other host: repetitions are bounded or possessive, so that time is linear.
_SECRETS = (
    re.compile(rb"-----BEGIN [A-Z0-9 ]{0,60}PRIVATE KEY-----"),
    re.compile(
        rb"\{(?<!\$\{)(?:S?SHA(?:256|512)?|S?MD5|CRYPT|PLAIN(?:-MD5)?|CRAM-MD5|DIGEST-MD5|SCRAM-SHA-\d{1,4}|BLF-CRYPT|SHA(?:256|512)-CRYPT"
        rb"|MD5-CRYPT|ARGON2I?D?|PBKDF2|NTLM|CLEAR(?:TEXT)?)(?:\.\w{3,6})?\}[A-Za-z0-9+/=.$]{4}",
        re.IGNORECASE,
    ),
    re.compile(rb"\$(?:1|5|6|7|y|gy)\$(?:[./A-Za-z0-9=,]{1,120}+\$){1,3}[./A-Za-z0-9]{20}"),  # crypt(3)
    re.compile(rb"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}|\$argon2(?:id?|d)\$v="),
)
# From the first such name of a line to the last such table: each line is walked once there and once back.
_PASSWORD_MAP = re.compile(rb"(?>[^\n]*?_password_maps *+=)[^\n]*(?:static|inline):(?!\[redacted\])")
# The right-hand side of a client's password map: user@domain:password, or user:password for a `[host]:port`.
_LOGIN = re.compile(
    rb"^(?:\S++[ \t]++[^\s:@=]++@[^\s:@]++:\S++|\[[^\]\s]++\](?::\w++)?[ \t]++[^\s:=]++:\S++)[ \t]*+$", re.MULTILINE
)
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def cksum(data: bytes) -> int:
    """The CRC of POSIX `cksum`. It is zlib's CRC-32 with the bits of every byte and of the result reversed and a start of zero."""
    size = len(data)
    length = size.to_bytes((size.bit_length() + 7) // 8, "little")
    mirrored = zlib.crc32(length.translate(_REVERSED), zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF))
    return int(f"{mirrored:032b}"[::-1], 2)


def decode(host: str, data: bytes, stderr: bytes = b"", status: int | None = None) -> tuple[Snapshot, ...]:
    """One snapshot per mail server found on the host; none when the script ran and found none.

    `stderr` and `status` of the shell only help to say what went wrong. Raises CollectionFailed when the answer is not a collection.
    """
    digest, taken_at, position = _opening(host, data, stderr, status)
    sections: dict[str, Section] = {}
    incomplete = ""
    for item in _sections(data, position):
        if isinstance(item, Section):
            sections[item.name] = item if item.name not in sections else _missing(item.name, "it was sent twice")
        else:
            incomplete = item.reason
    platforms = _platforms(sections)
    if platforms is None:
        if incomplete:
            raise CollectionFailed(host, f"{incomplete} before the first section", "scan the host again")
        raise CollectionFailed(
            host, "the collection does not say which mail servers it looked for", "collect it again with this release"
        )
    return tuple(
        Snapshot(
            host=host,
            platform=platform,
            taken_at=taken_at,
            script_digest=digest,
            incomplete=incomplete,
            sections={name: section for name, section in sections.items() if _belongs(name, platform)},
        )
        for platform in platforms
    )


def _opening(host: str, data: bytes, stderr: bytes, status: int | None) -> tuple[str, datetime | None, int]:
    """The script's digest, the server's time, and where the sections begin."""
    start = _start(data)
    if start < 0:
        raise CollectionFailed(host, _not_a_collection(data, stderr, status), _ADVICE)
    end = data.find(b"\n", start, start + 200)
    if end < 0:
        raise CollectionFailed(host, f"{CUT_OFF} in its first line", "scan the host again")
    line = data[start:end]
    if line.endswith(b"\r"):
        raise CollectionFailed(
            host,
            "the line ends of the snapshot were changed (CR LF)",
            "copy the file in binary mode; run the script without a terminal (`ssh -T`), its output redirected to a file",
        )
    words = line.split(b" ")
    if len(words) != 4 or not words[1].isdigit() or not re.fullmatch(rb"[0-9a-f]{64}|-", words[2]):
        raise CollectionFailed(host, f"the first line of the snapshot is malformed: {_shown(line)}", "collect it again")
    if int(words[1][:9]) != VERSION:
        raise CollectionFailed(
            host,
            f"the snapshot has format {words[1][:9].decode()}, this release reads format {VERSION}",
            "collect it again with this release, or use the release that wrote it",
        )
    return words[2].decode().strip("-"), _time(words[3]), end + 1


_ADVICE = (
    "the login shell must run a POSIX sh and print nothing of its own; "
    "`mailaudit collect --print-script` gives the script to run by hand"
)


def _start(data: bytes) -> int:
    if data.startswith(MAGIC):
        return 0
    found = data.find(b"\n" + MAGIC, 0, MAX_NOISE)
    return found + 1 if found >= 0 else -1


def _not_a_collection(data: bytes, stderr: bytes, status: int | None) -> str:
    said = next((line for line in stderr.splitlines() if line.strip()), b"")
    message = f"instead of a collection there came {_shown(data)}" if data.strip() else "there came no answer"
    if said:
        message += f"; stderr: {_shown(said)}"
    return message + (f"; exit status {status}" if status else "")


def _shown(data: bytes) -> str:
    """The first 80 bytes, harmless for a terminal."""
    text = data[:80].decode("utf-8", "backslashreplace")
    return repr(text) + ("…" if len(data) > 80 else "")


def _time(word: bytes) -> datetime | None:
    if not re.fullmatch(rb"\d{1,11}", word):
        return None  # date(1) without %s
    return datetime.fromtimestamp(int(word), UTC)


@dataclass(frozen=True, slots=True)
class _Broken:
    """Nothing after this point can be read."""

    reason: str


def _sections(data: bytes, position: int) -> Iterator[Section | _Broken]:
    """All sections, block by block, and at most one _Broken, at the end."""
    if data.startswith(b"#", position):
        position = _line_end(data, position)
    count = 0
    while data.startswith(b"@ ", position) and count <= MAX_SECTIONS:
        block, start = [], position
        while header := _HEADER.match(data, position):
            section, position = _section(header, data)
            block.append(section)
        count += len(block)
        covered = _SUM.match(data, position)
        if covered is None:
            reason = _reason(data, position)
            yield from block if reason == CUT_OFF else map(_damaged, block)
            yield _Broken(reason)
            return
        yield from block if _is_whole(data[start:position], covered) else map(_damaged, block)
        position = covered.end()
    end = _END.match(data, position)
    if end is None:
        yield _Broken(_reason(data, position))
    elif int(end.group(1)) != count:
        yield _Broken("sections are missing from the snapshot")


def _is_whole(block: bytes, covered: re.Match[bytes]) -> bool:
    return int(covered.group(2)) == len(block) and covered.group(1) in (b"-", b"%d" % cksum(block))


def _reason(data: bytes, position: int) -> str:
    """Why nothing more can be read here: the data end, or what comes makes no sense."""
    rest = data[position : position + MAX_HEADER]
    return DAMAGED if b"\n" in rest or len(rest) == MAX_HEADER else CUT_OFF


def _line_end(data: bytes, position: int) -> int:
    end = data.find(b"\n", position, position + MAX_HEADER)
    return len(data) if end < 0 else end + 1


def _section(header: re.Match[bytes], data: bytes) -> tuple[Section, int]:
    """The section behind a header, and where the next line begins."""
    status, name = header.group(1), header.group(4).decode("utf-8", "surrogateescape")
    out, err, start = int(header.group(2)), int(header.group(3)), header.end()
    end = start + out + err
    if end >= len(data):
        return _missing(name, CUT_OFF), len(data)
    if out + err > MAX_SECTION:
        return _missing(name, "it is too large"), end + 1
    payload = data[start:end]
    if status == b"missing":
        return _missing(name, payload[:2000].decode("utf-8", "backslashreplace") or "no reason was given"), end + 1
    if holds_a_secret(name, payload):
        return _missing(name, REFUSED), end + 1
    return Section(name=name, content=payload[:out], errors=payload[out:], status=int(status)), end + 1


def _damaged(section: Section) -> Section:
    return _missing(section.name, DAMAGED)


def holds_a_secret(name: str, payload: bytes) -> bool:
    """Whether a section shows the shape of a secret; for a lookup table (`file PATH`, `index TYPE:PATH`) a login counts too.

    Takes time in proportion to the payload, whatever it holds.
    """
    if any(shape.search(payload) for shape in _SECRETS) or _sets_a_password_map(payload):
        return True
    return name.partition("/")[2].rpartition("]/")[2].startswith(("file ", "index ")) and bool(_LOGIN.search(payload))


def _sets_a_password_map(payload: bytes) -> bool:
    end = 0
    while (found := payload.find(b"_password_maps", end)) >= 0:
        end = payload.find(b"\n", found)
        end = len(payload) if end < 0 else end
        if _PASSWORD_MAP.match(payload, found, end):
            return True
    return False


def _missing(name: str, reason: str) -> Section:
    return Section(name=name, content=Missing("".join(c if c.isprintable() else " " for c in reason).strip()))


def _platforms(sections: dict[str, Section]) -> tuple[str, ...] | None:
    looked_for = sections.get("host/platforms")
    if looked_for is None or isinstance(looked_for.content, Missing):
        # What was sent tells as much as the list that did not survive.
        names = dict.fromkeys(re.split(r"[/\[]", name)[0] for name in sections)
        return tuple(name for name in names if name != "host") or None
    pairs = [line.split(" ") for line in looked_for.text.splitlines()]
    return tuple(dict.fromkeys(pair[0] for pair in pairs if pair[1:] == ["found"] and pair[0].isalpha()))


def _belongs(name: str, platform: str) -> bool:
    return name.startswith((f"{platform}/", f"{platform}[", "host/"))
