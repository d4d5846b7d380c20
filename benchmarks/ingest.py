"""Whole ingest of a Dovecot mailbox, beside the floor of the same run.

    python benchmarks/ingest.py                              SQLite: 5,000 and 10,000 mails
    python benchmarks/ingest.py --postgresql URL             PostgreSQL too; its tables are made and dropped
    python benchmarks/ingest.py --ci                         500 and 1,000 mails; exits 1 when a ratio is over its bound

The floor is what nobody can save: the same bytes fetched with plain imaplib in batches of 50, plus written once with
fsync. Bounds: wall time at most 30 x the floor on SQLite, 40 x on PostgreSQL; peak memory at most 150 MB on the box and
on one of twice its size; one mail at the size limit adds at most 5 x its size.

Needs Dovecot (Debian: apt-get install dovecot-imapd): CUSTOMERSERVICE_TEST_DOVECOT=/usr/sbin/dovecot.
"""

import argparse
import imaplib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

FLOOR_BOUND = {"sqlite": 30.0, "postgresql": 40.0}
MEMORY_BOUND = 150.0
LARGE = 50 * 1000 * 1000
LARGE_BOUND = 5.0

# The time up to a point of the order of storing belongs to the stage that ends there.
STAGES = {
    "sync.opened": "connect",
    "sync.listed": "list",
    "sync.fetched": "fetch",
    "sync.raw-written": "write raw",
    "sync.raw-committed": "commit raw",
    "sync.parsed": "read",
    "sync.outcome-written": "decide and write",
    "sync.outcome-committed": "commit outcome",
    "sync.cursor-saved": "cursor",
}


def main() -> int:
    """Seed the boxes, run floor and ingest in processes of their own, print a table (or JSON)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("child", nargs="?", choices=["floor", "sync"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--user", help=argparse.SUPPRESS)
    parser.add_argument("--mails", type=int, default=5000)
    parser.add_argument("--postgresql")
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.child == "floor":
        return _child(floor(options.port, options.user))
    if options.child == "sync":
        return _child(sync(options.url, options.port, options.user))
    return run(500 if options.ci else options.mails, options.postgresql, as_json=options.json)


def run(mails: int, postgresql: str | None, *, as_json: bool) -> int:
    """Measure everything and judge the ratios."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "integration"))
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from dovecot import running_dovecot
    from mail_corpus import fill_maildir

    results: list[dict[str, object]] = []
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running_dovecot(users=("box", "twice", "large")) as server:
        sizes = {
            "box": fill_maildir(server.maildir("box"), mails),
            "twice": fill_maildir(server.maildir("twice"), mails * 2, seed=2),
            "large": _fill_large(server.maildir("large")),
        }
        server.own_maildirs()
        databases = {"sqlite": lambda name: f"sqlite:///{Path(folder) / name}.db"}
        if postgresql:
            databases["postgresql"] = lambda _: postgresql
        ground = _run_child("floor", server.imap_port, "box")
        results.append({"what": "floor", "mails": mails, "MB": round(sizes["box"] / 1e6), **ground})
        for database, url in databases.items():
            for user in ("box", "twice") if database == "sqlite" else ("box",):
                _drop_tables(url(user))
                done = _run_child("sync", server.imap_port, user, url=url(user))
                count = mails * (2 if user == "twice" else 1)
                if done["fetched"] != count:
                    faults.append(f"{database}, {user}: {done['fetched']} of {count} mails fetched")
                if done["peak_mb"] > MEMORY_BOUND:
                    faults.append(f"{database}, {user}: peak of {done['peak_mb']} MB is over {MEMORY_BOUND}")
                row = {"what": f"ingest, {database}", "mails": count, "MB": round(sizes[user] / 1e6), **done}
                if user == "box":
                    row["x floor"] = round(done["wall"] / ground["wall"], 1)
                    if row["x floor"] > FLOOR_BOUND[database]:
                        faults.append(f"{database}: {row['x floor']} x the floor is over {FLOOR_BOUND[database]}")
                results.append(row)
                _drop_tables(url(user))
        done = _run_child("sync", server.imap_port, "large", url=databases["sqlite"]("large"))
        added = round((done["peak_mb"] - done["start_mb"]) * 1e6 / LARGE, 2)
        results.append(
            {"what": "one mail at the limit", "mails": 1, "MB": LARGE // 10**6, **done, "adds x size": added}
        )
        if added > LARGE_BOUND:
            faults.append(f"a mail at the size limit adds {added} x its size, over {LARGE_BOUND}")
    _show(results, as_json=as_json)
    for fault in faults:
        print(f"over its bound: {fault}", file=sys.stderr)
    return 1 if faults else 0


def floor(port: int, user: str) -> dict[str, object]:
    """Fetch all bytes in batches of 50 with plain imaplib, and write them once with fsync."""
    client = imaplib.IMAP4("127.0.0.1", port)
    client.login(user, "pass")
    client.select("INBOX", readonly=True)
    uids = client.uid("SEARCH", "ALL")[1][0].split()
    with tempfile.NamedTemporaryFile() as file:
        for start in range(0, len(uids), 50):
            batch = b",".join(uids[start : start + 50]).decode()
            for item in client.uid("FETCH", batch, "(BODY.PEEK[])")[1]:
                if isinstance(item, tuple):
                    file.write(item[1])
        file.flush()
        os.fsync(file.fileno())
    client.logout()
    return {}


def sync(url: str, port: int, user: str) -> dict[str, object]:
    """Run one whole pass and give its report with the time of each stage."""
    from customerservice._failpoints import arm
    from customerservice.bootstrap import HelpDesk
    from customerservice.domain.mailbox import FirstSync, SecretKind, SecretRef

    stages: dict[str, float] = defaultdict(float)
    last = time.perf_counter()

    def note(name: str) -> None:
        nonlocal last
        now = time.perf_counter()
        stages[STAGES.get(name, "other")] += now - last
        last = now

    with HelpDesk.open(url, keys=[b"a key for a benchmark only"]) as desk:
        mailbox, _ = desk.mailboxes.find_or_add(
            f"{{127.0.0.1:{port}/imap/notls}}INBOX",
            user=user,
            secret=SecretRef(SecretKind.ENVIRONMENT, "BENCHMARK_PASSWORD"),
            first_sync=FirstSync(everything=True),
            allow_clear_text=True,
        )
        start_mb = _peak_mb()
        last = started = time.perf_counter()
        arm(note)
        report = desk.sync(mailbox)
        arm(None)
        seconds = time.perf_counter() - started
    return {
        "start_mb": start_mb,
        "fetched": report.fetched,
        "created": report.created_threads,
        "joined": report.joined_threads,
        "held": report.held,
        "mails_per_s": round(report.fetched / seconds),
        "stages_%": {name: round(100 * spent / seconds, 1) for name, spent in sorted(stages.items())},
    }


def _child(result: dict[str, object]) -> int:
    print(json.dumps({**result, "peak_mb": _peak_mb(), "cpu": round(time.process_time(), 2)}))
    return 0


def _run_child(what: str, port: int, user: str, url: str = "") -> dict[str, object]:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, what, "--port", str(port), "--user", user, "--url", url],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "BENCHMARK_PASSWORD": "pass"},
    )
    return {"wall": round(time.perf_counter() - started, 2), **json.loads(done.stdout)}


def _peak_mb() -> float:
    # Not getrusage: its peak begins at that of the process that started this one.
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6, 1)


def _fill_large(maildir: Path) -> int:
    """Write one mail of just under the size limit: a text and a file in base64."""
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True, exist_ok=True)
    line = b"QUJD" * 19 + b"\n"
    head = (
        b"From: Anna <anna@mail.example>\nTo: support@shop.example\nSubject: large\nMessage-ID: <large@mail.example>\n"
        b"Date: Mon, 3 Mar 2025 10:00:00 +0000\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nsee file\n--b\n'
        b'Content-Type: application/pdf\nContent-Disposition: attachment; filename="a.pdf"\n'
        b"Content-Transfer-Encoding: base64\n\n"
    )
    raw = head + line * ((LARGE - len(head) - 100) // (len(line) + 1)) + b"--b--\n"
    (maildir / "cur" / f"1741000000.M1P1.bench,S={len(raw)},W={len(raw) + raw.count(b'%c' % 10)}:2,").write_bytes(raw)
    return len(raw)


def _drop_tables(url: str) -> None:
    if url.startswith("sqlite"):
        return
    import sqlalchemy as sa

    from customerservice.adapters.storage.sqlalchemy.tables import metadata

    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    metadata.drop_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS cs_alembic_version"))
    engine.dispose()


def _show(results: list[dict[str, object]], *, as_json: bool) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if as_json:
        print(json.dumps({"machine": machine, "rows": results}))
        return
    print(machine)
    for row in results:
        stages = row.pop("stages_%", None)
        print(", ".join(f"{name} {value}" for name, value in row.items()))
        if stages:
            print("    " + ", ".join(f"{name} {share} %" for name, share in stages.items()))


if __name__ == "__main__":
    sys.exit(main())
