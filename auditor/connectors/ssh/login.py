"""Logging in, with one attempt: a password is sent once, and few enough keys to stay below sshd's MaxAuthTries.

The order is the owner's: the key that the inventory names; else the password that it names; else the agent's keys and
those of ssh_config. A second factor that the server asks for after a key is answered with the password, if there is one.
"""

from __future__ import annotations

import io
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    SSHPrivateKeyTypes,
    load_pem_private_key,
    load_ssh_private_key,
)
from paramiko.agent import AgentSSH
from paramiko.ssh_exception import BadAuthenticationType

from auditor.connectors.ssh.settings import Target
from auditor.connectors.ssh.transport import Client
from auditor.errors import AlgorithmsRefused, AuditorError, ConnectionFailed, LoginRefused
from auditor.model.host import Secret

MAX_KEYS = 5  # sshd's MaxAuthTries is 6: it hangs up at the sixth refused key

_keys: dict[tuple[str, int, str], paramiko.PKey] = {}
_loading = threading.Lock()


def load_key(target: Target, path: str, passphrase: Secret | None) -> paramiko.PKey:
    """A private key (with the certificate beside it), read and decrypted once per process. Raises ConnectionFailed."""
    file = Path(path).expanduser()
    words = _read(target, passphrase) if passphrase else ""
    try:
        with _loading:
            stamp = (str(file), file.stat().st_mtime_ns, words)
            if stamp not in _keys:
                _keys[stamp] = _from_path(file, words)
            return _keys[stamp]
    except OSError as error:
        raise ConnectionFailed(
            target.host,
            f"the private key {path} cannot be read: {error.strerror}",
            "correct the path or its permissions",
        ) from error
    except _Encrypted:
        raise ConnectionFailed(
            target.host, f"the private key {path} is encrypted", "give its passphrase, or load it into an ssh-agent"
        ) from None
    except (paramiko.SSHException, UnsupportedAlgorithm, ValueError, TypeError, LookupError) as error:
        raise ConnectionFailed(
            target.host,
            f"the private key {path} cannot be used: " + ("is the passphrase right?" if words else str(error)),
            "ed25519, ecdsa and rsa keys are understood, in all formats that ssh-keygen writes",
        ) from None


class _Encrypted(Exception):
    """A private key that needs a passphrase."""


def _from_path(file: Path, passphrase: str) -> paramiko.PKey:
    """Read a key with cryptography and hand it to paramiko without comment and passphrase.

    paramiko's own reader decrypts twice, knows no PKCS#8, and fails on OpenSSH keys whose comment is empty or does not
    end in ASCII, when they happen to need no padding.
    """
    loaded = _loaded(file.read_bytes(), passphrase.encode())
    key_class: type[paramiko.PKey]
    match loaded:
        case ed25519.Ed25519PrivateKey():
            key_class, style = paramiko.Ed25519Key, PrivateFormat.OpenSSH
        case rsa.RSAPrivateKey():
            key_class, style = paramiko.RSAKey, PrivateFormat.TraditionalOpenSSL
        case ec.EllipticCurvePrivateKey():
            key_class, style = paramiko.ECDSAKey, PrivateFormat.TraditionalOpenSSL
        case _:
            raise ValueError(f"{type(loaded).__name__} is none of ed25519, ecdsa and rsa")
    key = key_class.from_private_key(io.StringIO(loaded.private_bytes(Encoding.PEM, style, NoEncryption()).decode()))
    certificate = file.with_name(file.name + "-cert.pub")
    if certificate.exists():
        key.load_certificate(str(certificate))
    return key


def _loaded(data: bytes, passphrase: bytes) -> SSHPrivateKeyTypes | PrivateKeyTypes:
    load = load_ssh_private_key if b"BEGIN OPENSSH" in data else load_pem_private_key
    try:
        return load(data, passphrase or None)
    except TypeError as error:
        # cryptography's word for a passphrase that is missing, and for one that is not needed.
        if not passphrase:
            raise _Encrypted from error
        return load(data, None)


class _Agent(AgentSSH):
    """A connection to an ssh-agent; the keys of one that is not there are none."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            self._connect(connection)  # type: ignore[attr-defined]
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        self._close()  # type: ignore[attr-defined]


@contextmanager
def agent_keys(target: Target) -> Iterator[Sequence[paramiko.PKey]]:
    """The keys of the target's agent while the connection to it is open; none when it cannot be used."""
    path = os.environ.get("SSH_AUTH_SOCK", "") if target.agent is None else target.agent
    agent = None
    if path:
        with suppress(OSError, paramiko.SSHException):
            agent = _Agent(path)
    try:
        yield agent.get_keys() if agent else ()
    finally:
        if agent:
            agent.close()


def _candidates(target: Target, agent: Sequence[paramiko.PKey]) -> list[tuple[str, paramiko.PKey]]:
    """The keys to offer, with names for messages; those that ssh_config names come first."""
    files = [Path(file) for file in target.identities]
    wanted = {_public(file): number for number, file in enumerate(files)}
    held = sorted(agent, key=lambda key: wanted.get(key.asbytes(), len(files)))
    keys = [
        (f"the agent's key {key.fingerprint}", key)
        for key in held
        if not target.identities_only or key.asbytes() in wanted
    ]
    offered = {key.asbytes() for _, key in keys}
    for file in files:
        if not file.is_file():
            continue
        with suppress(ConnectionFailed):  # an encrypted or foreign key that nobody asked for by name
            key = load_key(target, str(file), None)
            if key.asbytes() not in offered:
                keys.append((str(file), key))
    return keys[:MAX_KEYS]


def _public(file: Path) -> bytes:
    """The public key beside a private key file; empty when there is none."""
    try:
        return paramiko.pkey.PublicBlob.from_file(f"{file}.pub").key_blob
    except (OSError, ValueError, LookupError):
        return b""


def log_in(transport: Client, target: Target) -> None:
    """Authenticate, or raise LoginRefused, AlgorithmsRefused or ConnectionFailed; there is no second attempt."""
    attempt = _Attempt(transport, target)
    if target.key:
        outcome = attempt.key(target.key, load_key(target, target.key, target.passphrase))
        if outcome is _Outcome.MORE:
            outcome = attempt.password()
    elif target.password:
        outcome = attempt.password()
        if outcome in (_Outcome.NOT_OFFERED, _Outcome.MORE):
            outcome = attempt.any_key()
    else:
        outcome = attempt.any_key()
    if outcome is not _Outcome.IN:
        raise attempt.refused()


class _Outcome(Enum):
    IN = "logged in"
    MORE = "right, and the server wants a second factor"
    REFUSED = "refused"
    NOT_OFFERED = "the server does not offer the method"


class _Attempt:
    """One login: what was tried, and what the server would have accepted."""

    def __init__(self, transport: Client, target: Target) -> None:
        self._transport = transport
        self._target = target
        self._tried: list[str] = []
        self._offered: tuple[str, ...] = ()
        self._rsa = False

    def key(self, name: str, key: paramiko.PKey) -> _Outcome:
        """Offer one key."""
        self._rsa = self._rsa or "rsa" in key.get_name()
        return self._send(name, lambda: self._transport.auth_publickey(self._target.user, key))

    def any_key(self) -> _Outcome:
        """Offer the agent's keys and those of ssh_config, one after the other, until one is not refused."""
        with agent_keys(self._target) as agent:
            for name, key in _candidates(self._target, agent):
                outcome = self.key(name, key)
                if outcome is not _Outcome.REFUSED or not self._transport.is_active():
                    return outcome
        return _Outcome.REFUSED

    def password(self) -> _Outcome:
        """Send the password once: as such, or as the answer to the only question of keyboard-interactive."""
        if self._target.password is None:
            return _Outcome.MORE
        password = _read(self._target, self._target.password)
        outcome = _Outcome.NOT_OFFERED
        if not self._offered or "password" in self._offered:
            outcome = self._send(
                "the password", lambda: self._transport.auth_password(self._target.user, password, fallback=False)
            )
        if outcome is _Outcome.NOT_OFFERED and "keyboard-interactive" in self._offered:
            answer = _only_question(password)
            outcome = self._send("the password", lambda: self._transport.auth_interactive(self._target.user, answer))
        return outcome

    def _send(self, what: str, send: Callable[[], list[str]]) -> _Outcome:
        try:
            more = send()
        except BadAuthenticationType as error:
            self._offered = tuple(error.allowed_types)
            return _Outcome.NOT_OFFERED
        except paramiko.AuthenticationException as error:
            self._tried.append(what)
            if "agree on a pubkey algorithm" in str(error):
                raise self._sha1_only() from error
            return _Outcome.REFUSED
        self._tried.append(what)
        self._offered = tuple(more)
        return _Outcome.MORE if more else _Outcome.IN

    def refused(self) -> ConnectionFailed:
        """Why there is no login, as an error."""
        if self._rsa and _before_rsa_sha2(self._transport.remote_version):
            return self._sha1_only()
        tried = ", ".join(dict.fromkeys(self._tried))
        offers = f"; it offers {', '.join(map(_shown, self._offered))}" if self._offered else ""
        if not tried:
            return LoginRefused(
                self._target.host,
                f"there is no key to offer for {self._target}{offers}",
                "name one (--private-key, ansible_ssh_private_key_file), load it into an ssh-agent, or give a password (-k)",
            )
        return LoginRefused(
            self._target.host,
            f"{self._target} was not accepted with {tried}{offers}",
            f"there is no second attempt; try `ssh {self._target.user}@{self._target.address}` by hand",
        )

    def _sha1_only(self) -> AlgorithmsRefused:
        return AlgorithmsRefused(
            self._target.host,
            f"{self._target.address} ({_shown(self._transport.remote_version)}) takes RSA keys only with SHA-1 signatures,"
            " which are not made any more",
            "use an ed25519 or ecdsa key, a password, or `connection: command` with the system's ssh",
        )


def _only_question(password: str) -> Callable[[str, str, list[tuple[str, bool]]], list[str]]:
    """An answerer that gives the password to the first single hidden question, and ends the login at any other."""
    asked = False

    def answer(_title: str, _instructions: str, questions: list[tuple[str, bool]]) -> list[str]:
        nonlocal asked
        if not questions:
            return []
        if asked or len(questions) > 1 or questions[0][1]:
            raise paramiko.AuthenticationException("the server asks for more than the password")
        asked = True
        return [password]

    return answer


def _before_rsa_sha2(version: str) -> bool:
    """OpenSSH learned rsa-sha2-256 and rsa-sha2-512 in 7.2."""
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", version)
    return bool(found and (int(found[1]), int(found[2])) < (7, 2))


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:100]


def _read(target: Target, secret: Secret) -> str:
    try:
        return secret.read()
    except AuditorError as error:
        raise ConnectionFailed(target.host, error.message, error.advice) from error
