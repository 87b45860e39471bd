"""Megabytes that a hostile host could send: reading them ends, and soon, because `re` would hold up every other host meanwhile.

The bound is far above what is needed (one or two seconds) and far below what a pattern that is not linear takes (hours).
"""

from __future__ import annotations

import subprocess
import sys

import pytest

SIZE = 8_000_000
BOUND = 60  # seconds

FRAMED = """
import sys
from auditor import framing
word = bytes.fromhex(sys.argv[1])
text = word * (int(sys.argv[2]) // len(word) + 1)
block = b"@ 0 14 0 host/platforms\\npostfix found\\n\\n"
block += b"@ 0 %d 0 postfix[/etc/postfix]/file /etc/postfix/access\\n%s\\n" % (len(text), text)
data = b"mailaudit-snapshot 1 - 1795572126\\n%s@sum - %d\\n@end 2\\n" % (block, len(block))
(snapshot,) = framing.decode("mx1", data)
print(len(snapshot.sections))
"""

READ = """
import sys
from auditor.model.snapshot import Section, Snapshot
from auditor.platforms.postfix import readings
start, word = sys.argv[3].encode(), bytes.fromhex(sys.argv[1])
text = start + word * (int(sys.argv[2]) // len(word) + 1)
names = ("files", "tables", "host/listening", "host/addresses", "host/system")
sections = {name: Section(name=name, content=text, errors=text) for name in names}
snapshot = Snapshot(host="mx1", platform="postfix", instance="", taken_at=None, sections=sections)
for read in (readings.files, readings.tables, readings.listening, readings.addresses, readings.system):
    read(snapshot)
for read in (readings.certificate, readings.public_key):
    read(Section(name="x", content=text))
print(2)
"""

REDACTED = """
import sys
from auditor.platforms.postfix import redaction
word = bytes.fromhex(sys.argv[1])
text = sys.argv[3].encode() + word * (int(sys.argv[2]) // 2 // len(word) + 1)
names = redaction.names_of_secrets(text, text)
print(redaction.main_cf(text, names).count(b"\\n") == redaction.master_cf(text, names).count(b"\\n") == text.count(b"\\n"))
"""


def said(program: str, word: bytes, *more: str) -> str:
    command = [sys.executable, "-c", program, word.hex(), str(SIZE), *more]
    return subprocess.run(command, capture_output=True, check=True, timeout=BOUND, text=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "word",
    [
        b"_password_maps=",
        b"_password_maps ",
        b"_password_maps=static:[redacted] ",
        b"{",
        b"{SCRAM-SHA-1",
        b"$1$",
        b"$6$a",
        b"-----BEGIN ",
        b"a b@c:",
        b"[a]:b ",
        b" ",
        b"\n",
        b"@ 0 1 1 a[/",
    ],
)
def test_a_section_full_of_half_secrets_is_decoded(word: bytes) -> None:
    assert said(FRAMED, word) == "2\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "word"),
    [
        ("Subject: CN=mx1\n", b"X509v3 Subject Alternative Name:"),
        ("Subject: CN=mx1\nX509v3 Subject Alternative Name:\n", b"DNS:"),
        ("Subject: CN=mx1\n", b"Not Before   "),
        ("Subject: CN=mx1\n", b"Public-Key: ("),
        ("Subject: CN=mx1\n", b"-----BEGIN PUBLIC KEY-----"),
        ("Subject: CN=mx1\n", b"Signature Algorithm:  "),
        ("Subject: CN=mx1\n", b" "),
        ("# ss -ltnp\nLISTEN 0 100 0.0.0.0:25 0.0.0.0:* ", b"users:(("),
        ("# ip -o addr\n", b"inet addr: "),
        ("# ip -o addr\ninet ", b"1:"),
        ("# ip -o addr\ninet ", b"1"),
        ("", b"81a4/0/root/0/"),
    ],
)
def test_an_answer_of_endless_beginnings_is_read(start: str, word: bytes) -> None:
    assert said(READ, word, start) == "2\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "word", [b"passw", b"{pass=", b"{pass", b"a:", b"://a:", b"-pass ", b" ", b"$a", b"pass = ", b"a\n", b" $a\n"]
)
def test_a_folder_s_file_full_of_half_secrets_is_redacted(word: bytes) -> None:
    assert said(REDACTED, word, "a = ") == "True\n"
