"""What the documentation says about the code is so: its tables, commands, variables, numbers and links."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import click
import pytest

from customerservice.adapters.settings import Settings, load_settings
from customerservice.application.sync_run import SyncReport
from customerservice.domain.delivery import Decision
from customerservice.domain.figures import Statistics
from customerservice.domain.imap_options import IMAP, POP3, ImapOptions
from customerservice.domain.outbox import OutboxState
from customerservice.domain.outcome import Outcome
from customerservice.domain.status import MOVES, ThreadStatus
from customerservice.entrypoints.cli.mail import delivery_object
from customerservice.entrypoints.cli.program import program
from customerservice.entrypoints.cli.threads import thread_object
from customerservice.errors import InvalidMailboxName
from customerservice.mail.inspection import unreadable
from customerservice.mail.matching import DEFAULT_DRIFTED, DEFAULT_TABLE, Action, EvidenceKind, Standing
from customerservice.testing.builders import Builder

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
SOURCES = ROOT / "src" / "customerservice"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])

#: A cited number; a range cites all between its ends.
CITED = re.compile(r"\b([RF])([1-9][0-9]{0,2})\b(?:\s*(?:-|to)\s*\1([1-9][0-9]{0,2})\b)?")
ACTIONS = {Action.JOIN: "join", Action.HOLD: "hold", Action.NEW: "new", Action.NEW_LINKED: "new, linked"}


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows(text: str, heads: str) -> list[list[str]]:
    """Give the cells of the table whose first line is given."""
    lines = text[text.index(heads) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def words(text: str) -> set[str]:
    """Give the words that stand in code, each for itself."""
    return {word for span in re.findall(r"`([^`]+)`", text) for word in span.split()}


def section(text: str, title: str) -> str:
    return re.split(r"^#+ ", text.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def cited() -> set[str]:
    found = set()
    for path in SOURCES.rglob("*.py"):
        for match in CITED.finditer(path.read_text(encoding="utf-8")):
            last = int(match[3] or match[2])
            # Numbers of lint rules stand behind "noqa".
            line = match.string[match.string.rfind("\n", 0, match.start()) : match.start()]
            if "noqa" not in line:
                found.update(f"{match[1]}{number}" for number in range(int(match[2]), last + 1))
    return found


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, f"{path} {name}".strip())
    else:
        yield path, command


COMMANDS = dict(commands(program, ""))


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def command_lines() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("customerservice "):
                    yield path.name, line


def test_every_cited_number_is_explained() -> None:
    """A reader who meets a number in a docstring finds it on the page of requirements."""
    explained = {row[0] for row in re.findall(r"^\| ([RF][0-9]+) \| (.+) \|$", page("reference/requirements.md"), re.M)}

    assert cited() - explained == set()


def test_every_promise_has_its_section() -> None:
    """P1 to P6 are headings of the page of promises, in order."""
    assert re.findall(r"^## (P[0-9]) ", page("explanation/promises.md"), re.M) == [
        f"P{number}" for number in range(1, 7)
    ]


def test_outcomes_are_complete() -> None:
    """The table of outcomes has each, in the order of the code, and says rightly which are in a thread."""
    table = rows(page("reference/outcomes.md"), "| outcome |")

    assert [(row[0].strip("`"), row[2] == "yes") for row in table] == [(one.value, one.in_thread) for one in Outcome]


def test_report_counts_what_the_table_of_outcomes_says() -> None:
    """Each outcome is counted under the name that its row gives."""
    for row in rows(page("reference/outcomes.md"), "| outcome |"):
        report = SyncReport()
        report.count(attrs.evolve(Builder().delivery(), outcome=Outcome(row[0].strip("`"))))

        assert getattr(report, row[4].strip("`"))


def test_matching_table_is_the_policy() -> None:
    """The table of evidence and standing is the default policy, cell by cell."""
    standings = (Standing.PARTICIPANT, Standing.UNKNOWN, Standing.UNUSABLE)
    *table, drifted = rows(page("reference/matching.md"), "| evidence |")

    assert [row[0].partition(":")[0].strip("`") for row in table] == [kind.value for kind in EvidenceKind]
    for row, kind in zip(table, EvidenceKind, strict=True):
        assert row[1:] == [ACTIONS[DEFAULT_TABLE[kind, standing]] for standing in standings]
    assert drifted[1:] == [ACTIONS[DEFAULT_DRIFTED[standing]] for standing in standings]


def test_status_moves_are_those_of_the_code() -> None:
    """The table of moves is the one table of moves."""
    moves = [(before.value, action.value, after.value) for before in MOVES for action, after in MOVES[before].items()]

    table = rows(page("reference/statuses.md"), "| from |")
    assert [(row[0].strip("`"), row[1], row[2].strip("`")) for row in table] == moves


def test_customers_see_what_the_table_of_statuses_says() -> None:
    """The last column is what `shown_to_customers` gives."""
    table = rows(page("reference/statuses.md"), "| status |")

    assert {row[0].strip("`"): row[2] for row in table} == {
        status.value: status.shown_to_customers.value for status in ThreadStatus
    }


def test_outbox_states_are_complete() -> None:
    """The how-to of sending explains each state of a mail."""
    table = rows(page("howto/smtp.md"), "| state |")

    assert [row[0].strip("`") for row in table] == [state.value for state in OutboxState]


@pytest.mark.parametrize("row", rows(page("reference/mailbox-strings.md"), "| string |"), ids=lambda row: row[0])
def test_verdict_on_a_mailbox_string(row: Sequence[str]) -> None:
    """Each string of the table is refused, warned of or fine as the table says."""
    text, verdict = row[0].strip("`"), row[1]
    try:
        findings = ImapOptions.parse(text).check()
    except InvalidMailboxName:
        assert verdict == "refused when read"
        return

    assert verdict == ("refused when used" if findings.errors else "warns" if findings.warnings else "fine")


def test_switches_are_complete() -> None:
    """Every switch of the table is read, and every flag there is stands in it."""
    named = words("\n".join(row[0] for row in rows(page("reference/mailbox-strings.md"), "| switch |")))
    for switch in named:
        ImapOptions.parse(f"{{h.example{switch.replace('NAME', 'imap')}}}")

    flags = {field.name.replace("_", "-") for field in attrs.fields(ImapOptions) if field.type is bool}
    assert flags == {switch.removeprefix("/") for switch in named} & flags


def test_default_ports() -> None:
    """The table of ports is what is connected to."""
    for service, clear, private in rows(page("reference/mailbox-strings.md"), "| service |"):
        assert service.strip("`") in (IMAP, POP3)
        options = ImapOptions.for_host("h.example").with_service(service.strip("`"))
        assert (options.effective_port, options.with_ssl().effective_port) == (int(clear), int(private))


def test_environment_variables_are_complete() -> None:
    """The page names exactly the variables that the code reads."""
    named = set(re.findall(r"CUSTOMERSERVICE_[A-Z_]+", page("reference/environment.md")))
    read = {
        name
        for path in SOURCES.rglob("*.py")
        for name in re.findall(r"CUSTOMERSERVICE_[A-Z_]+", path.read_text(encoding="utf-8"))
    }

    assert named == read


def test_example_of_the_settings_file_is_read(tmp_path: Path) -> None:
    """The example is a settings file, and it uses every setting."""
    example = re.findall(r"^```toml\n(.*?)^```", page("reference/settings-file.md"), re.DOTALL | re.MULTILINE)[0]
    (tmp_path / "helpdesk.toml").write_text(example, encoding="utf-8")
    settings = load_settings(tmp_path / "helpdesk.toml")

    assert len(settings.mailboxes) == 2
    assert {key.replace("-", "_") for key in tomllib.loads(example)} == {field.name for field in attrs.fields(Settings)}


def test_choices_of_a_mailbox_are_complete() -> None:
    """The table of choices has each setting of a mailbox but the string, the user and the secret."""
    from customerservice.adapters.settings import MailboxSetting

    table = rows(page("reference/settings-file.md"), "| choice of a mailbox |")
    named = [row[0].strip("`").replace("-", "_") for row in table]
    assert sorted(named) == sorted(
        field.name for field in attrs.fields(MailboxSetting) if field.name not in ("options", "user", "secret")
    )


def test_refusals_are_complete() -> None:
    """The table of rules has every rule by which the help desk refuses something."""
    raised = {
        rule
        for ring in ("application", "domain")
        for path in SOURCES.joinpath(ring).rglob("*.py")
        for rule in re.findall(r'Refused\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8"))
    }

    assert {row[0].strip("`") for row in rows(page("reference/errors.md"), "| rule |")} == raised


def test_failpoints_are_complete() -> None:
    """What happens to a mail says what each moment leaves at which tests stop the program."""
    marked = {
        name
        for path in SOURCES.rglob("*.py")
        for name in re.findall(r'failpoint\("([a-z.-]+)"\)', path.read_text(encoding="utf-8"))
    }
    named = {
        name for name in words(page("explanation/what-happens-to-a-mail.md")) if re.match(r"(sync|outbox)\.[a-z]", name)
    }

    assert marked == named


@pytest.mark.parametrize("path", COMMANDS)
def test_command_is_described(path: str) -> None:
    """Each command has a section that names its own options."""
    text = page("reference/command-line.md")
    titles = [title for title in re.findall(r"^## (.+)$", text, re.MULTILINE) if path in title.split(", ")]

    assert len(titles) == 1
    common = words(text[: text.index("## demo")])
    described = words(section(text, titles[0])) | set(re.findall(r"--[a-z-]+", section(text, titles[0])))
    assert options(COMMANDS[path]) - described - common == set()


def test_no_command_is_invented() -> None:
    """Each section that is written like a command is one."""
    titles = re.findall(r"^## ([a-z, ]+)$", page("reference/command-line.md"), re.MULTILINE)

    assert {name for title in titles for name in title.split(", ")} == set(COMMANDS)


@pytest.mark.parametrize(("where", "line"), [*command_lines()])
def test_command_line_could_be_run(where: str, line: str) -> None:
    """Each command line in the documentation names a command and options that exist, with the values it needs."""
    _, *arguments = shlex.split(line.partition(" < ")[0])
    path = next(name for name in COMMANDS if arguments[: len(name.split())] == name.split())
    arguments = [
        # A file need not be there to be an example.
        str(ROOT / "README.md") if word in ("label.pdf",) else word
        for word in arguments[len(path.split()) :]
    ]

    COMMANDS[path].make_context(path, arguments)


def test_json_objects_are_described() -> None:
    """Every key of the JSON objects stands in the section about it."""
    text, build = page("reference/command-line.md"), Builder()
    mail = attrs.evolve(build.delivery(), decision=Decision(rule="r", reason="r"))
    objects = {
        "The report of a pass": {field.name for field in attrs.fields(SyncReport)} - {"warnings"},
        "A mail as it reads": set(unreadable("-", 0, "why")),
        "A mail and what became of it": {*delivery_object(mail), *(field.name for field in attrs.fields(Decision))},
        "A thread": set(thread_object(build.thread())),
        "Figures": {field.name for field in attrs.fields(Statistics)},
    }

    for title, keys in objects.items():
        assert keys - words(section(text, title)) == set(), title


def test_every_page_is_reached() -> None:
    """The navigation names every page, and no other."""
    navigation = (ROOT / "zensical.toml").read_text(encoding="utf-8").partition("[project.theme]")[0]

    assert set(re.findall(r'"([\w/-]+\.md)"', navigation)) == {
        path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")
    }


def links() -> Iterator[tuple[Path, str]]:
    for path in PAGES:
        text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"(?<!`)\]\(([^)\s]+)\)", text):
            if "://" not in target:
                yield path, target


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def test_links_lead_somewhere() -> None:
    """Each link between pages has its page, and its heading if it names one."""
    broken = []
    for path, target in links():
        name, _, fragment = target.partition("#")
        to = path if not name else (path.parent / name).resolve()
        if not to.exists():
            broken.append(f"{path.name}: {target}")
        elif fragment:
            headings = re.findall(r"^#+ (.+)$", to.read_text(encoding="utf-8"), re.MULTILINE)
            if fragment not in map(anchor, headings):
                broken.append(f"{path.name}: {target}")

    assert broken == []
