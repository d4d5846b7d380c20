"""The front door: which names it exports, and that it stays light."""

import json
import subprocess
import sys

import pytest

import customerservice

#: Changing this list changes what users may import: a release note goes with it.
EXPORTED = [
    "Actor",
    "Attachment",
    "Contact",
    "CustomerRef",
    "CustomerServiceError",
    "EmailAddress",
    "EmployeeRef",
    "HelpDesk",
    "ImapOptions",
    "Mailbox",
    "Message",
    "OrderRef",
    "Outcome",
    "ProductRef",
    "Thread",
    "ThreadStatus",
]

#: What costs more than the whole front door may cost, or comes only with an extra.
HEAVY = [
    "aiohttp",
    "aiosmtpd",
    "alembic",
    "cattrs",
    "click",
    "django",
    "fastapi",
    "flask",
    "http.client",
    "http.server",
    "hypothesis",
    "imapclient",
    "jinja2",
    "nh3",
    "psycopg",
    "pymysql",
    "pytest",
    "rich",
    "sqlalchemy",
    "starlette",
    "uvicorn",
]


def _modules_after(code: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(json.loads(answer.stdout))


def test_exported_names_are_pinned() -> None:
    """The front door exports exactly the names users were promised, sorted."""
    assert customerservice.__all__ == EXPORTED


@pytest.mark.parametrize("name", EXPORTED)
def test_every_exported_name_resolves_to_its_definition(name: str) -> None:
    """Each exported name gives the object of that name, the same one every time."""
    value = getattr(customerservice, name)

    assert value.__name__ == name
    assert getattr(customerservice, name) is value
    assert value.__module__.startswith("customerservice.")


def test_dir_lists_every_exported_name() -> None:
    """`dir()` shows the exported names before any of them was loaded."""
    assert {*EXPORTED, "__version__"} <= set(dir(customerservice))


def test_version_is_the_installed_one() -> None:
    """`__version__` is the version of the installed distribution."""
    from importlib.metadata import version

    assert customerservice.__version__ == version("customerservice")


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that is not exported raises `AttributeError`, which names it."""
    with pytest.raises(AttributeError, match="Ticket"):
        customerservice.Ticket  # noqa: B018


def test_importing_the_package_loads_none_of_its_modules() -> None:
    """`import customerservice` alone loads no other module of the package."""
    loaded = {name for name in _modules_after("import customerservice") if name.startswith("customerservice.")}

    assert loaded == set()


def test_a_help_desk_in_memory_loads_nothing_heavy() -> None:
    """`HelpDesk.in_memory()` needs no database, mail client, command line or web package."""
    loaded = _modules_after("from customerservice import HelpDesk, Thread; HelpDesk.in_memory()")

    assert "customerservice.bootstrap" in loaded
    assert [name for name in HEAVY if name in loaded] == []
