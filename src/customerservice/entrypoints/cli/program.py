"""The command `customerservice`: its commands by name, loaded when they are asked for, and what it exits with."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from customerservice.entrypoints.cli.interrupts import Interrupted, Interruption
from customerservice.entrypoints.cli.showing import say
from customerservice.errors import CustomerServiceError, InvalidValue

#: Where each command is, with what the list of commands says about it.
_COMMANDS = {
    "demo": ("demonstration.demo", "See the whole at work, with sample mail on this machine."),
    "inspect": ("reading.inspect", "Read mail without storing it."),
    "ingest": ("taking_in.ingest", "Store mail from files, folders, mbox files and Maildirs."),
    "sync": ("taking_in.sync", "Take over what is new in a mailbox."),
    "mailbox": ("mailboxes.mailbox", "The mailboxes kept with their settings and health."),
    "mail": ("mail.mail", "Mail that did not become a thread, and reading again."),
    "outbox": ("outbox.outbox", "Mail on its way out."),
    "threads": ("threads.threads", "The conversations: list, show, answer."),
    "explain": ("reading.explain", "How a mail was read and why it went where it went."),
    "stats": ("threads.stats", "The figures."),
    "db": ("database.db", "Migrations, and checks of the stored data."),
    "config": ("database.config", "The settings explained."),
}


class _Program(click.Group):
    """The commands, each in a module that is loaded when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(".")
        command: click.Command = getattr(import_module(f"customerservice.entrypoints.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The usual way loads every command for the first line of its help.
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in _COMMANDS.items()])


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="customerservice", prog_name="customerservice")
def program() -> None:
    """A help desk: a mailbox becomes threads in your own database, and answers find their way back.

    Exits with 0 on success, 1 when the work failed, 2 for wrong usage, 130 after Ctrl-C and 143 after SIGTERM.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit status; the arguments are the process's own unless given.

    Effects: handles SIGINT and SIGTERM while it runs, prints to standard output and standard error.
    """
    interruption = Interruption()
    for stream in (sys.stdout, sys.stderr):
        # A name in Persian must not end the run on a terminal that only knows Latin letters.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with interruption.handled():
            status = _run(argv, interruption)
            sys.stdout.flush()
    except Interrupted:
        status = 1
    except BrokenPipeError:
        # The reader, such as head, has seen enough.
        status = _give_up_output()
    except OSError as error:
        status = _give_up_output()
        say(f"error: the output cannot be written: {error.strerror}")
    return interruption.exit_status or status


def _give_up_output() -> int:
    # What is still buffered must not fail again at the end of Python.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1


def _run(argv: Sequence[str] | None, interruption: Interruption) -> int:
    try:
        program.main(
            None if argv is None else list(argv), prog_name="customerservice", standalone_mode=False, obj=interruption
        )
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.UsageError as error:
        error.show()
        return 2
    except click.ClickException as error:
        if error.message:
            say(error.message)
        return error.exit_code
    except click.Abort:
        return 1
    except InvalidValue as error:
        say(f"error: {error}")
        return 2
    except CustomerServiceError as error:
        say(f"error: {error}")
        return 1
    except (PermissionError, FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        say(f"error: {error}")
        return 1
    return 0
