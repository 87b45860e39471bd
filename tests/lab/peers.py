"""Servers that a Postfix of the lab speaks to, played by the test: they note what they are told."""

import base64
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

_PATIENCE = 10.0  # seconds
Talk = Callable[[socket.socket, list[str]], None]


@contextmanager
def playing(talk: Talk, address: str, port: int) -> Iterator[list[str]]:
    """A server at that address; yields the lines that it has heard so far."""
    heard: list[str] = []

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            peer.settimeout(_PATIENCE)
            with peer, contextlib.suppress(OSError):
                talk(peer, heard)

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen()
        listening.settimeout(_PATIENCE)
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield heard
        listening.shutdown(socket.SHUT_RDWR)  # wakes the thread out of accept


def smtp(*offers: str, context: ssl.SSLContext | None = None) -> Talk:
    """A mail server that takes everything. `offers` are EHLO keywords; with `context` also STARTTLS."""

    def talk(peer: socket.socket, heard: list[str]) -> None:
        keywords = [*offers, *(["STARTTLS"] if context else [])]
        peer.sendall(b"220 peer.example.net ESMTP\r\n")
        while line := _line(peer):
            heard.append(line)
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                peer.sendall(
                    "".join(f"250-{each}\r\n" for each in ("peer.example.net", *keywords)).encode()
                    + b"250 8BITMIME\r\n"
                )
            elif word == "STARTTLS" and context:
                peer.sendall(b"220 go\r\n")
                peer = context.wrap_socket(peer, server_side=True)
                keywords.remove("STARTTLS")
            elif word == "DATA":
                peer.sendall(b"354 go\r\n")
                while _line(peer) not in (".", ""):
                    pass
                peer.sendall(b"250 taken\r\n")
            else:
                peer.sendall(
                    b"221 bye\r\n" if word == "QUIT" else b"235 hello\r\n" if word == "AUTH" else b"250 ok\r\n"
                )

    return talk


def dovecot(peer: socket.socket, heard: list[str]) -> None:
    """Dovecot's authentication service, just enough of its protocol to be told a password."""
    peer.sendall(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n")
    while line := _line(peer):
        heard.append(line)
        if line.startswith("AUTH\t"):
            peer.sendall(b"FAIL\t%s\tuser=alice\n" % line.split("\t")[1].encode())


def plain_login(user: str, password: str) -> str:
    """What a client sends with AUTH PLAIN."""
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def _line(peer: socket.socket) -> str:
    """The next line; a lone empty line reads as one blank, so that "" means that the peer is gone."""
    got = b""
    while not got.endswith(b"\n"):
        if not (byte := peer.recv(1)):
            return ""
        got += byte
    return got.decode("utf-8", "replace").rstrip("\r\n") or " "


def resolve(records: Mapping[tuple[str, int], Sequence[bytes]]) -> Callable[[bytes], bytes]:
    """A name server's answer to a query, for records by name and type (1: A, 15: MX); everything else does not exist."""

    def answer(query: bytes) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        kind = int.from_bytes(query[at + 1 : at + 3], "big")
        found = records.get((".".join(labels), kind), ())
        known = any(name == ".".join(labels) for name, _ in records)
        head = query[:2] + (b"\x85\x80" if known else b"\x85\x83") + struct.pack("!HHHH", 1, len(found), 0, 0)
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data for data in found)
        return head + query[12 : at + 5] + body

    return answer


def mx(preference: int, name: str) -> bytes:
    """The data of an MX record."""
    return (
        struct.pack("!H", preference) + b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\0"
    )


@contextmanager
def name_server(address: str, records: Mapping[tuple[str, int], Sequence[bytes]]) -> Iterator[None]:
    """A name server at that address."""
    answer, ended = resolve(records), threading.Event()

    def serve(listening: socket.socket) -> None:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                query, peer = listening.recvfrom(4096)
                listening.sendto(answer(query), peer)

    with socket.socket(type=socket.SOCK_DGRAM) as listening:
        listening.bind((address, 53))
        listening.settimeout(0.1)
        server = threading.Thread(target=serve, args=(listening,), daemon=True)
        server.start()
        yield
        ended.set()
        server.join()
