"""``demo``: the whole at work."""

from pathlib import Path

import click

from customerservice.entrypoints.cli.arguments import json_option


@click.command("demo")
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to put the database.",
)
@json_option
def demo(folder: Path | None, as_json: bool) -> None:
    """See the whole at work: sample mail on a mail server of this machine becomes threads, one is answered."""
    from customerservice.entrypoints.demo.story import tell

    tell(folder, as_json=as_json)
