"""What main.cf, master.cf and tables may show: secrets become `[redacted]`, comments `#`, every line keeps its number.

The same rules as the filters of collect.sh, for files that no server has filtered; a test holds the two against each other.
Texts are bytes in Latin-1, as awk sees them in the C locale. Every pattern takes time in proportion to the text, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable

REDACTED = "[redacted]"
DATABASES = frozenset(("mysql", "pgsql", "ldap", "sqlite", "memcache"))  # their files hold logins

_FLAGS = re.ASCII | re.IGNORECASE
_SECRET_NAME = re.compile(r"passw|passphrase|secret|credential|token|api_?key|_pwd?$|^pwd?_")
_PLACE = re.compile(r"(?!static:|inline:)(?:(?:proxy:)?[a-z0-9_]+:)?[/$]")
_PLAIN = re.compile(r"[ \t]*(?:yes|no)?[ \t]*")
_KINDS = re.compile(r"(?:static|inline):")
_WORD = re.compile(r"[^ \t]+")
_LISTED = re.compile(r"[^ \t,]+")
_REPEATED = re.compile(r"inline:|static:[^*]")
_OPTION = re.compile(r"--?pass[a-z]*+[ \t]++[^ \t]++", _FLAGS)
_ASKS = re.compile(r"--?(?:passw[a-z]*|secret|token|api-?key)")
_URL = re.compile(r"://[^/@ \t:]*+:[^/@ \t]*+@")
_RUN = re.compile(r"[^@ \t,{}]++@?")
_LOGIN = re.compile(r":[^:@/]++:(?![/@])")
_KEY = re.compile(r"pass|pwd|secret|token|credential|bindpw|apikey")
_NAMED = re.compile(r"(?<![a-z0-9_])([a-z0-9_]++)[ \t]*+=[ \t]*+", _FLAGS)
_NAMED_IN_BRACES = re.compile(r"\{[ \t]*+([a-z0-9_]++)[ \t]*+=[ \t]*+", _FLAGS)
_VALUE = re.compile(r"[^ \t,{}]+")
_VALUE_IN_BRACES = re.compile(r"[^}]*")
_ENDS_WITH_NAME = re.compile(
    r"\{[ \t]*+([a-z0-9_]++)[ \t]*+(?:=|\Z)|(?<![a-z0-9_])([a-z0-9_]++)[ \t]*+=[ \t]*+\Z", _FLAGS
)
_PASSWORD_TABLE = re.compile(r"(?<![a-z_])(?=[a-z_]*?passw)[a-z_]++[ =]")
_REFERENCE = re.compile(r"\$[({]?([A-Za-z0-9_]+)")


def names_of_secrets(main: bytes, master: bytes) -> frozenset[str]:
    """The parameters that maps with the password inside refer to (`static:$user:$word`: both), and those that refer to secrets."""
    lines: list[tuple[str, list[str]]] = []
    for line in (*_lines(main), *_lines(master)):
        if not line.strip(" \t") or line.lstrip(" \t").startswith("#"):
            continue
        if line[0] not in " \t":
            name, equals, value = line.partition("=")
            lines.append((re.sub(r"[ \t]", "", name).lower(), [name, value]) if equals else ("", [line]))
        elif lines:
            lines[-1][1].append(line)
    found: set[str] = set()
    texts = [(name, " ".join(parts)) for name, parts in lines]
    referring = [
        (name, text, [other.lower() for other in _REFERENCE.findall(text)]) for name, text in texts if "$" in text
    ]
    for _ in range(4):
        for name, text, others in referring:
            if name in found or (_PASSWORD_TABLE.search(text) and _KINDS.search(text)):
                found.update(others)
            elif name and any(other in found or _SECRET_NAME.search(other) for other in others):
                found.add(name)
    return frozenset(found)


def main_cf(content: bytes, names: frozenset[str]) -> bytes:
    """A main.cf without its secrets. `names` are those of `names_of_secrets`."""
    return _each_line(content, _Settings(names).line)


def master_cf(content: bytes, names: frozenset[str]) -> bytes:
    """A master.cf without its secrets."""
    return _each_line(content, _Services(names).line)


def table(content: bytes) -> bytes:
    """A lookup table without its comments; one that holds passwords is not to be shown at all."""
    return _each_line(content, lambda line: line)


def is_secret(name: str, names: frozenset[str] = frozenset()) -> bool:
    """Whether the value of a parameter may be a secret, by the parameter's name or because it is among `names`."""
    name = name.lower().rpartition("/")[2].removeprefix("-o")
    return name != "header_address_token_limit" and (bool(_SECRET_NAME.search(name)) or name in names)


def _lines(content: bytes) -> list[str]:
    return content.decode("latin-1").split("\n")


def _each_line(content: bytes, shown: Callable[[str], str]) -> bytes:
    lines = (
        line if not line.strip(" \t\r") else "#" if line.lstrip(" \t").startswith("#") else shown(line)
        for line in _lines(content)
    )
    return "\n".join(lines).encode("latin-1")


def _is_place(word: str) -> bool:
    return bool(_PLACE.match(word))


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text))


def _hidden(word: str) -> str:
    kind = _KINDS.match(word)
    return (kind.group() if kind else "") + REDACTED


def _without_login(run: re.Match[str]) -> str:
    text = run.group()
    login = _LOGIN.search(text) if text.endswith("@") else None
    return f"{text[: login.start()]}:{REDACTED}@" if login else text


def _is_key(name: str) -> bool:
    """Whether `name = value` inside a value is a login: the name's last part is one of a secret (`db_password`, not `password_maps`)."""
    before, _, last = name.lower().rpartition("_")
    return (
        bool(_KEY.search(last))
        or (before.endswith("bind") and last.startswith("pw"))
        or (before.endswith("api") and last.startswith("key"))
    )


def _keyed(text: str, named: re.Pattern[str], value: re.Pattern[str]) -> str:
    """Hide the value behind every name of a secret."""
    done, end = [], 0
    for match in named.finditer(text):
        if match.start() >= end and _is_key(match[1]) and (found := value.match(text, match.end())):
            done += [text[end : match.end()], REDACTED]
            end = found.end()
    return "".join(done) + text[end:]


def _goes_on(text: str) -> bool:
    """Whether a secret of this text may end in a later line: `{ password =`."""
    return any(_is_key(match[1] or match[2]) for match in _ENDS_WITH_NAME.finditer(text, text.rfind("}") + 1))


def _scrubbed(text: str, name: str = "") -> str:
    """Without logins in URLs and in names of servers, and without what follows password= or --password."""
    if name in {"proxy_read_maps", "proxy_write_maps"}:
        repeated = _REPEATED.search(text)
        text = text[: repeated.start()] + REDACTED if repeated else text
    text = _OPTION.sub(f"--password {REDACTED}", text)
    if "@" in text:
        text = _RUN.sub(_without_login, _URL.sub(f"://{REDACTED}@", text))
    if "=" in text:
        text = _keyed(_keyed(text, _NAMED_IN_BRACES, _VALUE_IN_BRACES), _NAMED, _VALUE)
    return text


class _Settings:
    """main.cf line by line; behind the first hidden word of a setting all the rest of it is hidden."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._name = ""
        self._secret = False
        self._hiding = False

    def line(self, line: str) -> str:
        if line[0] in " \t":
            return "" if self._hiding else self._value(line)
        name, equals, value = line.partition("=")
        self._name = re.sub(r"[ \t]", "", name) if equals else ""
        self._secret = is_secret(self._name, self._names)
        self._hiding = not equals and is_secret(line, self._names)
        if self._hiding:
            return REDACTED
        return f"{name}={self._value(value)}" if equals else self._value(line)

    def _value(self, text: str) -> str:
        if self._secret:
            return self._places(text)
        self._hiding = _goes_on(text)
        return _scrubbed(text, self._name)

    def _places(self, text: str) -> str:
        """The value of a secret parameter: places stay, the first other word and all behind it go."""
        if not _is_plain(text):
            for word in _LISTED.finditer(text):
                if not _is_place(word.group()):
                    self._hiding = True
                    return _scrubbed(text[: word.start()], self._name) + _hidden(word.group())
            return _scrubbed(text, self._name)
        return text


class _Services:
    """master.cf word by word, blanks kept. A secret in braces is hidden up to the brace that closes it."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._reset()

    def _reset(self) -> None:
        self._hiding = self._expects = False
        self._depth = 0
        self._last = self._before = ""

    def line(self, line: str) -> str:
        if line[0] not in " \t":
            self._reset()
        done, end = [], 0
        for match in _WORD.finditer(line):
            word = match.group()
            if not self._hiding:
                done.append(line[end : match.start()])
            end = match.end()
            self._depth += word.count("{") - word.count("}")
            if not self._hiding:
                done.append(self._shown(word))
            elif self._depth <= 0:
                self._hiding, self._depth = False, 0
                done.append(" }")
        return "".join(done) + ("" if self._hiding else line[end:])

    def _shown(self, word: str) -> str:
        shown = self._word(word)
        if word != "=":
            self._before = word.removeprefix("{")
        self._last = word
        return shown

    def _word(self, word: str) -> str:
        name, equals, value = word.partition("=")
        if self._expects:
            self._expects = False
            return REDACTED
        if self._last == "=" and self._is_secret(self._before, word):
            self._hiding = self._depth > 0
            return _hidden(word)
        if name and equals and self._is_secret(name.removeprefix("{"), value):
            self._hiding = self._depth > 0
            return f"{name}={_hidden(value)}" + ("}" if word.startswith("{") and not self._hiding else "")
        self._expects = bool(_ASKS.fullmatch(word.lower()))
        return _scrubbed(word)

    def _is_secret(self, name: str, value: str) -> bool:
        return is_secret(name, self._names) and not _is_place(value) and not _is_plain(value)
