"""The gates, each in an environment of its own: ``nox --list`` names them.

``tests`` and ``contracts`` use the servers that the environment names (CONTRIBUTING.md); everything else needs none.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

PYPROJECT = nox.project.load_toml("pyproject.toml")
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
SUPPORTED = ["3.11", "3.12", "3.13"]
SERVER_MARKS = ["postgresql", "mysql", "dovecot"]
WITHOUT_SERVERS = ("-m", " and ".join(f"not {mark}" for mark in SERVER_MARKS))
#: The tests that find what a wheel may lack: migrations, sample mail, types, commands.
PACKAGED = ["tests/contracts", "tests/integration", "tests/unit/test_main.py"]
#: Variables of servers, as "not given".
NO_SERVERS = {
    **{f"CUSTOMERSERVICE_TEST_{mark.upper()}": None for mark in SERVER_MARKS},
    "CUSTOMERSERVICE_REQUIRE_SERVERS": None,
}
#: Rings that are pure enough to have every branch tested.
COMPLETE = ["domain", "mail", "ports", "application"]
COVERAGE_OVERALL = 95

nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "types", "architecture", "docs", "tests", "no_extras", "build"]


def _found() -> list[str]:
    """Give the supported Pythons this machine has, this one included."""
    if shutil.which("pyenv"):
        # The shims of pyenv answer only for versions that are switched on; this Python stays the first.
        versions = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False).stdout
        this_one = ".".join(map(str, sys.version_info[:3]))
        others = [each for each in versions.split() if each != this_one]
        os.environ["PYENV_VERSION"] = ":".join([this_one, *others] if this_one in versions.split() else others)
    return [
        version
        for version in SUPPORTED
        if version == THIS
        or (
            shutil.which(f"python{version}")
            and subprocess.run([f"python{version}", "--version"], capture_output=True, check=False).returncode == 0
        )
    ]


def _install(session: nox.Session, what: str, *groups: str) -> None:
    needs = [need for group in groups for need in nox.project.dependency_groups(PYPROJECT, group)]
    session.install(*what.split(), *needs)


def _wheel(session: nox.Session) -> Path:
    """Build the sdist, from it the wheel, and give the wheel."""
    session.install("build>=1.3")
    folder = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(folder), ".", silent=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _require_installed_wheel(session: nox.Session) -> None:
    session.run("python", "-c", "import customerservice; assert 'site-packages' in customerservice.__file__")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests with this Python."""
    _install(session, "-e .[all]", "test")
    session.run("pytest", *session.posargs)


@nox.session(python=_found())
def tests_all(session: nox.Session) -> None:
    """Run the tests with every supported Python found; servers are used with the oldest one only."""
    _install(session, "-e .[all]", "test")
    if session.python == SUPPORTED[0]:
        session.run("pytest", *session.posargs)
    else:
        session.run("pytest", *WITHOUT_SERVERS, *session.posargs, env=NO_SERVERS)


@nox.session
def contracts(session: nox.Session) -> None:
    """Run the contract suites over every adapter whose server the environment names."""
    _install(session, "-e .[all]", "test")
    session.run("pytest", "tests/contracts", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Judge the coverage that a run with ``--cov=customerservice --cov-branch`` left behind."""
    session.install("coverage>=7.10")
    inner = ",".join(f"*/customerservice/{ring}/*" for ring in COMPLETE)
    session.run("coverage", "report", f"--include={inner}", "--fail-under=100")
    session.run("coverage", "report", f"--fail-under={COVERAGE_OVERALL}")


@nox.session
def no_extras(session: nox.Session) -> None:
    """Install the wheel alone, run what must work without any extra, and see the command say what it needs."""
    _install(session, str(_wheel(session)), "test-core")
    _require_installed_wheel(session)
    for package in ("sqlalchemy", "alembic", "click", "rich", "aiosmtpd"):
        session.run("python", "-c", f"import {package}", success_codes=[1], silent=True)
    answer = session.run("python", "-m", "customerservice", "stats", success_codes=[2], silent=True)
    if "pip install 'customerservice[cli]'" not in str(answer):
        session.error(f"the command without its extra said: {answer}")
    rings = [f"tests/unit/{ring}" for ring in COMPLETE if Path("tests/unit", ring).is_dir()]
    memory = [str(path) for path in Path("tests").rglob("test_*memory*.py")]
    session.run("pytest", "tests/unit/test_main.py", *rings, *memory, *session.posargs, env=NO_SERVERS)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package, and that users of its front door see them."""
    _install(session, "-e .[all]", "types")
    session.run("mypy", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and the import contract."""
    session.install("--no-deps", "-e", ".")
    _install(session, "", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")


@nox.session
def architecture(session: nox.Session) -> None:
    """Check imports, the front door, docstrings and their examples, and what is tracked."""
    _install(session, "-e .[all]", "test")
    session.run("pytest", "tests/architecture", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a broken link or reference is an error."""
    _install(session, "", "docs")
    session.run("zensical", "build", "--strict", "--clean")


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel from the sdist, install it and run against it what depends on how the package was packed."""
    wheel = _wheel(session)
    _install(session, f"customerservice[all]@{wheel.as_uri()}", "test")
    _require_installed_wheel(session)
    session.run("customerservice", "--version")
    session.run("pytest", *WITHOUT_SERVERS, *PACKAGED, *session.posargs, env=NO_SERVERS)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Read 20,000 spoilt mails; ``-- --mails 1000000 --seed 2`` reads more and others."""
    _install(session, "-e .", "test-core")
    session.run("python", "-m", "tests.fuzz.mutate", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Run the benchmarks in their small form, which fails on ratios and growth, never on seconds; needs Dovecot."""
    _install(session, "-e .[all]", "test")
    session.run("python", "benchmarks/import_time.py")
    session.run("python", "benchmarks/lists.py", "--ci")
    session.run("python", "benchmarks/reading.py", "--ci")
    session.run("python", "benchmarks/ingest.py", "--ci")
