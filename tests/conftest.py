"""What every test may use: servers where the environment gives them, shared mail corpora, hypothesis profiles.

A test that talks to a real server carries the mark of that server and is skipped, saying how to get one, unless the
environment names it: nobody's database is touched by accident. With ``CUSTOMERSERVICE_REQUIRE_SERVERS=1``, as in
continuous integration, whatever would be skipped fails instead.
"""

import importlib.util
import os
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# the asserts of the published contract suites explain themselves
pytest.register_assert_rewrite("customerservice.testing.sender_contract", "customerservice.testing.transport_contract")

#: Mark -> the variable that names the server, and how a developer gets it.
SERVERS = {
    "postgresql": (
        "CUSTOMERSERVICE_TEST_POSTGRESQL",
        "give the URL of a PostgreSQL database, for example postgresql://postgres@127.0.0.1:5432/test",
    ),
    "mysql": (
        "CUSTOMERSERVICE_TEST_MYSQL",
        "give the URL of a MariaDB database, for example mysql+pymysql://root@127.0.0.1:3306/test",
    ),
    "dovecot": (
        "CUSTOMERSERVICE_TEST_DOVECOT",
        "install Debian's dovecot-imapd and dovecot-pop3d and give the path of the program, usually /usr/sbin/dovecot",
    ),
}
REQUIRED = os.environ.get("CUSTOMERSERVICE_REQUIRE_SERVERS") == "1"
CORPORA = Path(
    os.environ.get("CUSTOMERSERVICE_CORPORA") or Path(__file__).resolve().parents[2].joinpath("shared", "corpora")
)

# Shared and slow machines make any deadline a matter of luck; pytest's timeout catches what hangs.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))

_ran: Counter[str] = Counter()


def _server(mark: str) -> str:
    variable, how = SERVERS[mark]
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set: {how}")
    return value


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests over shared corpora where there are none: those mails are not part of this repository."""
    if CORPORA.is_dir():
        return
    over_corpora = [
        item for item in items if "corpora" in getattr(item, "fixturenames", ()) or item.get_closest_marker("corpora")
    ]
    if over_corpora:
        config.hook.pytest_deselected(items=over_corpora)
        items[:] = [item for item in items if item not in over_corpora]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose server the environment does not give."""
    for mark in SERVERS:
        if item.get_closest_marker(mark):
            _server(mark)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    """Make a skip a failure where servers are required."""
    report = yield
    return _refuse_skip(report)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what ran against each server, also in other processes."""
    if report.when == "call" and report.passed:
        _ran.update(mark for mark in SERVERS if mark in report.keywords)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Any:
    """Make the skip of a whole module a failure where servers are required."""
    report = yield
    return _refuse_skip(report)


def _refuse_skip(report: Any) -> Any:
    if REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"CUSTOMERSERVICE_REQUIRE_SERVERS=1 allows no skip. {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what ran against real servers, so that a run without them cannot pass for a full one."""
    words = ", ".join(f"{_ran[mark]} on {mark}" if _ran[mark] else f"none on {mark}" for mark in SERVERS)
    corpora = "read" if CORPORA.is_dir() else "not present"
    terminalreporter.write_line(f"passed against real servers: {words}; shared corpora: {corpora}")


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the shared mail corpora."""
    return CORPORA


@pytest.fixture(scope="session")
def dovecot_program() -> str:
    """The path of the Dovecot program."""
    return _server("dovecot")


@pytest.fixture(scope="session")
def dovecot(dovecot_program: str) -> Iterator[Any]:
    """A running `Dovecot` (see integration/dovecot.py), where every user exists whose password is ``pass``."""
    # a plain file and no package, because benchmarks import it too
    spec = importlib.util.spec_from_file_location("dovecot", Path(__file__).parent / "integration" / "dovecot.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["dovecot"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.running_dovecot(program=dovecot_program) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of an empty PostgreSQL database that exists for this run only."""
    yield from _own_database(_server("postgresql"), "DROP DATABASE {} WITH (FORCE)")


@pytest.fixture(scope="session")
def mysql_url() -> Iterator[str]:
    """The URL of an empty MariaDB database that exists for this run only."""
    yield from _own_database(_server("mysql"), "DROP DATABASE {}", " CHARACTER SET utf8mb4")


def _own_database(url: str, drop: str, options: str = "") -> Iterator[str]:
    import sqlalchemy

    name = f"cs_test_{uuid.uuid4().hex[:12]}"
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}{options}")
    try:
        yield engine.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(drop.format(name))
