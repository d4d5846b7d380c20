"""What the scripted mail servers share: a listener on loopback, its threads, and the faults a script can order.

A script maps a stage of the protocol to what the server does there instead of its usual answer: one fault for every
time, or a sequence that is used up, one each time, with None for the usual answer.
"""

import abc
import contextlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Literal, Self

import attrs

#: No test server waits longer than this for its client, in seconds.
PATIENCE = 60.0

#: How a scripted server speaks TLS: never, after STARTTLS or STLS, or from the first byte.
TlsUse = Literal["none", "starttls", "implicit"]


@attrs.frozen
class Answer:
    """Say these lines (without the last CRLF) instead of the usual answer, and go on."""

    text: str


@attrs.frozen
class Raw:
    """Send these bytes instead of the usual answer, and go on."""

    data: bytes = attrs.field(repr=False)


@attrs.frozen
class Close:
    """Hang up."""


@attrs.frozen
class Reset:
    """Hang up with a TCP reset."""


@attrs.frozen
class Silence:
    """Say nothing more until the client hangs up."""


@attrs.frozen
class Deaf:
    """Say nothing and read nothing until the server is closed, so that the client's bytes pile up."""


@attrs.frozen
class Cut:
    """Send the first `after` bytes of the usual answer, then hang up."""

    after: int


@attrs.frozen
class Trickle:
    """Send the usual answer one byte at a time, `pause` seconds apart."""

    pause: float


Fault = Answer | Raw | Close | Reset | Silence | Deaf | Cut | Trickle
Script = Mapping[str, Fault | Sequence[Fault | None]]


@attrs.frozen
class Command:
    """One line a client sent, without its end, and whether it came over TLS.

    Lines of bodies and of log-in dialogues after the first are not commands.
    """

    line: str
    tls: bool


class Hangup(Exception):
    """The connection is over: the client left, or the script says so."""


class Wire:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        """Speak over `connection`, in clear text at first."""
        connection.settimeout(PATIENCE)
        self._socket = connection
        self._received = bytearray()
        self._over = threading.Event()

    @property
    def is_tls(self) -> bool:
        """Whether what is said now is encrypted."""
        return isinstance(self._socket, ssl.SSLSocket)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Wait for the client's handshake; what it sent in clear text before is dropped."""
        self._received.clear()
        try:
            self._socket = context.wrap_socket(self._socket, server_side=True)
        except OSError as error:
            raise Hangup from error

    def read_line(self) -> str:
        """Give the next line without its CRLF; bytes over 127 are kept as `surrogateescape`."""
        return self.read_until(b"\n").rstrip(b"\r\n").decode("utf-8", "surrogateescape")

    def read_until(self, end: bytes) -> bytes:
        """Give everything up to and with the next `end`."""
        searched = 0
        while (found := self._received.find(end, searched)) < 0:
            searched = max(0, len(self._received) - len(end))
            try:
                data = self._socket.recv(65_536)
            except OSError as error:
                raise Hangup from error
            if not data:
                raise Hangup
            self._received += data
        found += len(end)
        taken = bytes(self._received[:found])
        del self._received[:found]
        return taken

    def read_exactly(self, size: int) -> bytes:
        """Give the next `size` bytes."""
        while len(self._received) < size:
            try:
                data = self._socket.recv(65_536)
            except OSError as error:
                raise Hangup from error
            if not data:
                raise Hangup
            self._received += data
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def unread(self, data: bytes) -> None:
        """Put this before what is read next."""
        self._received[:0] = data

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Hangup from error

    def say(self, usual: bytes, fault: Fault | None) -> bool:
        """Send `usual` or do what the fault says; True if what was said is `usual`, whole."""
        if fault is None:
            self.send(usual)
            return True
        if isinstance(fault, Trickle):
            for byte in usual:
                self.send(bytes([byte]))
                time.sleep(fault.pause)
            return True
        self._instead(fault, usual)
        return False

    def _instead(self, fault: Fault, usual: bytes) -> None:
        if isinstance(fault, Answer):
            self.send(fault.text.replace("\n", "\r\n").encode() + b"\r\n")
        elif isinstance(fault, Raw):
            self.send(fault.data)
        elif isinstance(fault, Deaf):
            self._over.wait(PATIENCE)
            raise Hangup
        elif isinstance(fault, Silence):
            with contextlib.suppress(OSError):
                while self._socket.recv(65_536):
                    pass
            raise Hangup
        else:
            if isinstance(fault, Cut):
                self.send(usual[: fault.after])
            elif isinstance(fault, Reset):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._socket.close()
            raise Hangup

    def shut(self) -> None:
        """Wake up whoever waits on this connection, from another thread."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection."""
        self.shut()
        self._socket.close()


class ScriptedServer(abc.ABC):
    """A mail server on a free loopback port, in threads of this process, that follows a script.

    Used as a context manager; it listens from the moment it is made until it is closed, and `close` waits for its
    threads.

    Attributes:
        port: where it listens, on 127.0.0.1.
        connections: how many were accepted so far.
        commands: what clients sent, in order; look at it after `close`, or after an answer to the last command came.
    """

    host = "127.0.0.1"

    def __init__(
        self, *, tls: TlsUse = "none", ssl_context: ssl.SSLContext | None = None, script: Script | None = None
    ) -> None:
        """Listen at once; `ssl_context` is the server's, needed unless `tls` is ``none``."""
        if (tls == "none") is not (ssl_context is None):
            raise ValueError("an ssl_context belongs to a server with TLS, and to no other")
        self._tls = tls
        self._context = ssl_context
        self._faults: dict[str, Fault | list[Fault | None]] = {}
        self.commands: list[Command] = []
        self.connections = 0
        self._lock = threading.Lock()
        for stage, fault in (script or {}).items():
            self.order(stage, fault)
        self._wires: set[Wire] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name=f"{type(self).__name__}:{self.port}", daemon=True)
        self._acceptor.start()

    def order(self, stage: str, fault: Fault | Sequence[Fault | None]) -> None:
        """Change the script at this stage from now on, for connections that are open too."""
        with self._lock:
            self._faults[stage] = list(fault) if isinstance(fault, Sequence) else fault

    def close(self) -> None:
        """Stop listening, hang up on every client and wait for the threads; may be called twice."""
        with self._lock:
            self._closed = True
            wires = list(self._wires)
        with contextlib.suppress(OSError):
            # Closing alone does not wake a thread that waits in accept.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for wire in wires:
            wire.shut()
        self._acceptor.join()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abc.abstractmethod
    def _serve(self, wire: Wire) -> None:
        """Speak with one client, from the greeting on, until `Hangup` or the end of the dialogue."""

    def _fault(self, *stages: str) -> Fault | None:
        """Give what the script orders at the first of these stages that has an order left."""
        with self._lock:
            for stage in stages:
                order = self._faults.get(stage)
                if isinstance(order, list):
                    if order:
                        return order.pop(0)
                elif order is not None:
                    return order
        return None

    def _command(self, wire: Wire) -> str:
        line = wire.read_line()
        with self._lock:
            self.commands.append(Command(line, wire.is_tls))
        return line

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            wire = Wire(connection)
            with self._lock:
                if self._closed:
                    wire.close()
                    return
                self._wires.add(wire)
                self.connections += 1
            thread = threading.Thread(target=self._run, args=(wire,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, wire: Wire) -> None:
        try:
            fault = self._fault("connect")
            if fault is not None:
                wire.say(b"", fault)
            if self._tls == "implicit" and self._context is not None:
                wire.start_tls(self._context)
            self._serve(wire)
        except Hangup:
            pass
        finally:
            with self._lock:
                self._wires.discard(wire)
            wire.close()


def bearer(words: str, tokens: Mapping[str, str]) -> tuple[str, bool]:
    """Read the client's words of XOAUTH2 or OAUTHBEARER (RFC 7628 3.1): the user, and whether the token is right.

    ValueError if they are of neither form.
    """
    match = re.fullmatch(
        r"(?:user=(?P<x>[^\x01]*)|n,a=(?P<b>[^\x01,]*),(?:\x01host=[^\x01]*\x01port=[0-9]+)?)"
        r"\x01auth=Bearer (?P<token>[^\x01]+)\x01\x01",
        words,
    )
    if match is None:
        raise ValueError("neither XOAUTH2 nor OAUTHBEARER")
    user = match["x"] if match["x"] is not None else match["b"].replace("=2C", ",").replace("=3D", "=")
    return user, tokens.get(user) == match["token"]
