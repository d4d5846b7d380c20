"""Starts Dovecot 2.3 unprivileged on loopback: IMAP and POP3; clear, STARTTLS and TLS; passwords and OAuth 2.

Plain helpers without pytest, so that benchmarks can use them too: put this folder on `sys.path` and import `dovecot`.
"""

import grp
import http.server
import json
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import trustme

#: Every user's password; whoever logs in with it exists.
PASSWORD = "pass"

#: The variable that names the program.
VARIABLE = "CUSTOMERSERVICE_TEST_DOVECOT"

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = customerservice-test
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 xoauth2 oauthbearer
auth_failure_delay = 0
auth_verbose = yes
mail_save_crlf = yes
mail_location = maildir:{folder}/mail/%u/Maildir
mail_max_userip_connections = 50
login_trusted_networks = 127.0.0.0/8
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login cram-md5
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
"""

_OAUTH2 = """
tokeninfo_url = http://127.0.0.1:{port}/?access_token=
introspection_mode = auth
username_attribute = username
active_attribute = active
active_value = true
"""


class Dovecot:
    """A running Dovecot. Anybody may log in with `PASSWORD`, or with the token that `tokens` gives for the name.

    Attributes:
        imap_port: clear text and STARTTLS.
        imaps_port: TLS from the first byte.
        pop3_port: clear text and STLS.
        pop3s_port: TLS from the first byte.
        tokens: access tokens by user, which may be changed at any time.
        trust: a client's context that trusts the server's authority; its certificate is for 127.0.0.1 and localhost.
    """

    def __init__(self, folder: Path, program: str, tokens: Mapping[str, str]) -> None:
        self.folder = folder
        self.tokens = dict(tokens)
        self.imap_port, self.imaps_port, self.pop3_port, self.pop3s_port = _free_ports(4)
        self._account = _account()
        authority = trustme.CA()
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        for name in ("run", "state", "mail"):
            (folder / name).mkdir()
        certificate.private_key_pem.write_to_path(folder / "server.key")
        (folder / "server.pem").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
        self._introspection = _Introspection(self.tokens)
        (folder / "oauth2.conf").write_text(_OAUTH2.format(port=self._introspection.port))
        (folder / "dovecot.conf").write_text(
            _CONFIGURATION.format(
                folder=folder,
                user=self._account.pw_name,
                group=grp.getgrgid(self._account.pw_gid).gr_name,
                password=PASSWORD,
                imap=self.imap_port,
                imaps=self.imaps_port,
                pop3=self.pop3_port,
                pop3s=self.pop3s_port,
            )
        )
        self._own(folder)
        self._output = (folder / "output.log").open("wb")
        self._process = subprocess.Popen(
            [program, "-F", "-c", str(folder / "dovecot.conf")],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            **({"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []} if _root() else {}),
        )
        self._wait()

    def maildir(self, user: str, folder: str = "INBOX") -> Path:
        """Give the Maildir of a user's folder, made if need be; `folder` as it stands on disk, in modified UTF-7."""
        path = self.folder / "mail" / user / "Maildir"
        if folder != "INBOX":
            path = path / f".{folder}"
        for name in ("cur", "new", "tmp"):
            (path / name).mkdir(parents=True, exist_ok=True)
        self.own_maildirs(user)
        return path

    def deliver(self, raw: bytes, user: str, folder: str = "INBOX", *, name: str | None = None) -> Path:
        """Put a mail into a folder as a delivery agent does: written aside, then moved into place."""
        path = self.maildir(user, folder)
        unique = name or f"{time.time_ns()}.{os.urandom(4).hex()}.test"
        (path / "tmp" / unique).write_bytes(raw)
        self._own(path / "tmp" / unique)
        return (path / "tmp" / unique).rename(path / "new" / unique)

    def mails(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """Give the bytes of the mails in a folder as they stand on disk, in no order."""
        path = self.maildir(user, folder)
        return [file.read_bytes() for part in ("cur", "new") for file in sorted((path / part).iterdir())]

    def seen(self, user: str) -> int:
        """Count the mails in INBOX that are marked seen."""
        return sum("S" in file.name.partition(":2,")[2] for file in (self.maildir(user) / "cur").iterdir())

    def lose_index(self, user: str) -> None:
        """Let INBOX start a new epoch: its UIDVALIDITY changes and UIDs begin at 1 again."""
        path = self.maildir(user)
        for file in [path / "dovecot-uidlist", *path.glob("dovecot.index*")]:
            file.unlink(missing_ok=True)

    def own_maildirs(self, user: str | None = None) -> None:
        """Give what was written under the mail folder to the account Dovecot runs as."""
        self._own(self.folder / "mail" / user if user else self.folder / "mail")

    def log(self) -> str:
        """Give what the server logged so far."""
        path = self.folder / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Stop the server and wait until it is gone."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        self._introspection.close()

    def _own(self, path: Path) -> None:
        if not _root():
            return
        os.chown(path, self._account.pw_uid, self._account.pw_gid)
        for inner in path.rglob("*") if path.is_dir() else ():
            os.chown(inner, self._account.pw_uid, self._account.pw_gid)

    def _wait(self) -> None:
        for port in (self.imap_port, self.imaps_port, self.pop3_port, self.pop3s_port):
            deadline = time.monotonic() + 20
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        self.close()
                        output = (self.folder / "output.log").read_text(errors="replace")
                        raise RuntimeError(f"Dovecot did not start: {output}{self.log()}") from None
                    time.sleep(0.02)


@contextmanager
def running_dovecot(
    *, users: Iterable[str] = (), program: str | None = None, tokens: Mapping[str, str] | None = None
) -> Iterator[Dovecot]:
    """Run Dovecot in a folder of its own until the block ends; each of `users` has an INBOX from the beginning."""
    wanted = program or os.environ.get(VARIABLE) or "/usr/sbin/dovecot"
    version = subprocess.run([wanted, "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("2.3."):
        raise RuntimeError(f"the configuration is for Dovecot 2.3, not {version.split()[0]}")
    # pytest's own folders are closed to the account Dovecot runs as
    folder = Path(tempfile.mkdtemp(prefix="customerservice-dovecot-"))
    folder.chmod(0o755)
    try:
        server = Dovecot(folder, wanted, tokens or {})
        try:
            for user in users:
                server.maildir(user)
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Introspection:
    """Tells Dovecot whether an access token is good, and whose it is."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("access_token", [""])[0]
                asked = asked or self.headers.get("Authorization", "").removeprefix("Bearer ")
                owner = next((user for user, token in tokens.items() if token == asked), None)
                body = json.dumps({"active": owner is not None, "username": owner or ""}).encode()
                self.send_response(200 if owner else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _root() -> bool:
    return os.geteuid() == 0


def _account() -> pwd.struct_passwd:
    """Give the account to run as: Dovecot refuses root."""
    return pwd.getpwnam("nobody") if _root() else pwd.getpwuid(os.geteuid())


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
