"""The start of a script on a host: as the login user, or under sudo, which may ask for a password.

Sans I/O: a connector moves bytes between the host and a `Session`, which says what they mean. The password is sent
only after sudo's own prompt was seen: sent ahead, it would become the script's first line wherever sudo does not ask.
"""

from __future__ import annotations

import secrets
import shlex

from auditor.errors import AuditorError, CollectionFailed, ConnectionFailed, PrivilegeRefused
from auditor.interfaces import Output, Script
from auditor.model.host import Host

SHELL_COMMAND = "sh -s"  # all that ever stands in a command line on the host

STDOUT_LIMIT = (
    16 * 1024 * 1024
)  # bytes; two tables as large as the scripts send, and all the rest; a hundred hosts are heard at once
STDERR_LIMIT = 1024 * 1024


class Session:
    """One run of a script in a shell that reads its standard input.

    The connector sends `outgoing` as it grows (removing what it sent) and closes the shell's input once `complete` is
    true and nothing is left; it hands everything that it reads to `hear_stdout` and `hear_stderr`, which raise
    HostFailed when there is no point in going on, and calls `output` when the shell has ended.
    """

    def __init__(self, host: Host, script: Script) -> None:
        self.outgoing = bytearray()
        self.complete = False
        self._host = host
        self._script = script.text.encode()
        self._stdout = bytearray()
        self._stderr = bytearray()
        token = secrets.token_hex(8)
        self._ready = f"mailaudit-ready-{token}".encode()
        self._prompt = f"mailaudit-password-{token}:".encode()
        self._asked = False
        if host.privilege.mode == "root":
            self.outgoing += self._sudo().encode()
        else:
            self._send_script()

    def _sudo(self) -> str:
        """One line for the login user's shell; root reads on, everybody else goes through sudo.

        The words to wait for are written in two halves: a shell that echoes its input must not trigger them.
        """
        say = f"printf '%s%s\\n' {_halves(self._ready, ' ')} >&2"
        sudo = shlex.quote(self._host.privilege.sudo)
        ask = f"-S -p {_halves(self._prompt, '')}" if self._host.privilege.password else "-n"
        inner = shlex.quote(f"{say}; exec /bin/sh -s")
        return (
            f'if [ "$(id -u)" = 0 ]; then {say}; '
            f"else LC_ALL=C; export LC_ALL; exec {sudo} {ask} /bin/sh -c {inner}; fi\n"
        )

    def _send_script(self) -> None:
        self.outgoing += self._script
        self.complete = True

    def hear_stdout(self, data: bytes) -> None:
        """Standard output, as it comes. Raises CollectionFailed when there is too much of it."""
        self._stdout += data
        self._limit(self._stdout, STDOUT_LIMIT, "output")

    def hear_stderr(self, data: bytes) -> None:
        """Standard error, as it comes; sudo's prompt and the sign that the script may follow are in it.

        Raises PrivilegeRefused when sudo asks again: a second attempt could lock the account.
        """
        self._stderr += data
        self._limit(self._stderr, STDERR_LIMIT, "error messages")
        if self.complete:
            return
        if self._ready + b"\n" in self._stderr:
            # What sudo said before (its lecture, the prompt) is not the script's.
            self._stderr = self._stderr.partition(self._ready + b"\n")[2]
            self._send_script()
        elif self._prompt in self._stderr:
            before, _, self._stderr = self._stderr.partition(self._prompt)
            self._answer(bytes(before))

    def _answer(self, before: bytes) -> None:
        password = self._host.privilege.password
        if self._asked or password is None:
            raise refusal(self._host, b"sudo did not accept the password\n" + before)
        self._asked = True
        try:
            self.outgoing += password.read().encode() + b"\n"
        except AuditorError as error:
            raise ConnectionFailed(self._host.name, error.message, error.advice) from error

    def output(self, status: int | None) -> Output:
        """The answer of a shell that has ended. Raises PrivilegeRefused or CollectionFailed when the script never started."""
        if self.complete:
            return Output(stdout=bytes(self._stdout), stderr=bytes(self._stderr), status=status)
        if self._asked or b"sudo" in self._stderr or b"Sorry, " in self._stderr:
            raise refusal(self._host, bytes(self._stderr))
        said = last_line(bytes(self._stderr)) or last_line(bytes(self._stdout))
        raise CollectionFailed(
            self._host.name,
            "the login shell ended before the script could start"
            + (f": {said}" if said else f" (exit status {status})"),
            "log in by hand and run `sh -c 'echo it works'`; the account needs a shell that runs commands",
        )

    @property
    def waits_for(self) -> str:
        """For the message of a deadline: what the host has not done yet."""
        if self.complete:
            return f"the script was still running, after {len(self._stdout)} bytes of output"
        said = last_line(bytes(self._stderr))
        return "sudo had not started the script" + (f"; its last words: {said}" if said else "")

    def _limit(self, data: bytearray, limit: int, what: str) -> None:
        if len(data) > limit:
            data.clear()  # the error, and with it this session, may live until the last host has answered
            raise CollectionFailed(
                self._host.name,
                f"sent more than {limit // 1024 // 1024} MB of {what}; the connection was closed",
                "run the script by hand to see what answers: `mailaudit collect --print-script`",
            )


def _halves(word: bytes, between: str) -> str:
    text = word.decode()
    return f"'{text[:9]}'{between}'{text[9:]}'"


LEAST = "or leave out `become`: `mailaudit inventory privileges HOST` prints the few sudoers lines that are then enough"

# What sudo says in the C locale (sudo 1.8 and 1.9) → what it means, what to do.
_REFUSALS = (
    ("did not accept the password", "sudo did not accept the password", "it was sent once only; check it (-K)"),
    ("a password is required", "sudo asks for a password and there is none", f"give it with -K, {LEAST}"),
    ("not in the sudoers file", "the user is not in the sudoers file", f"let the user run /bin/sh as root, {LEAST}"),
    ("not allowed to execute", "sudo does not let the user run /bin/sh as root", f"allow it, {LEAST}"),
    ("may not run sudo", "the user may not run sudo on this host", f"let the user run /bin/sh as root, {LEAST}"),
    ("must have a tty", "sudo wants a terminal (requiretty)", "write `Defaults:USER !requiretty` in the sudoers file"),
    ("not found", "sudo is not installed", "log in as root or install sudo"),
    ("no new privileges", "sudo cannot raise privileges in this container", "connect as root: docker exec -u 0 …"),
    ("password expired", "the password has expired", "change it by hand"),
)


def refusal(host: Host, said: bytes) -> PrivilegeRefused:
    """What sudo's words mean, as an error with advice."""
    text = said.decode("utf-8", "replace")
    for words, meaning, advice in _REFUSALS:
        if words in text:
            return PrivilegeRefused(host.name, meaning, advice)
    return PrivilegeRefused(
        host.name, f"sudo did not start the script: {last_line(said)}", f"run sudo by hand, {LEAST}"
    )


def last_line(data: bytes) -> str:
    """The last line that is not blank, fit to be shown: no control characters, at most 200 characters."""
    lines = [line for line in data[-4096:].decode("utf-8", "replace").splitlines() if line.strip()]
    return "".join(c if c.isprintable() else "?" for c in lines[-1].strip())[:200] if lines else ""
