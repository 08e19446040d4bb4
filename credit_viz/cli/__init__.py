"""The command line `credit-viz`: one file per command. Knows the public API, terminals and exit codes.

A command's module imports nothing heavy at its top: `--help` answers without torch. Exit codes: 0 done, 1 the reader
of our output went away, 2 bad input (one line on stderr says what is wrong and what is valid), 130 interrupted.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

import click

from credit_viz.cli.words import say
from credit_viz.errors import CreditVizError, one_of

__all__ = ["COMMANDS", "main"]

#: every command by name and the module that holds it, as `command`; a new one is one file and one line here.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "serve": "credit_viz.cli.serve",
        "trace": "credit_viz.cli.trace",
        "eval": "credit_viz.cli.eval",
        "sweep": "credit_viz.cli.sweep",
        "tune": "credit_viz.cli.tune",
        "attribute": "credit_viz.cli.attribute",
        "why": "credit_viz.cli.why",
        "report": "credit_viz.cli.report_sweep",
        "show": "credit_viz.cli.show",
        "view": "credit_viz.cli.view",
        "whatif": "credit_viz.cli.whatif",
        "decoders": "credit_viz.cli.decoders",
        "models": "credit_viz.cli.models",
    }
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. argv: arguments without the program's name."""
    _tolerant(sys.stdout)
    _tolerant(sys.stderr)
    try:
        return int(_program.main(argv, prog_name="credit-viz", standalone_mode=False) or 0)
    except click.Abort:
        say("interrupted")
        return 130
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "credit-viz"
        return _refuse(f"{error.format_message().rstrip('.')}; see {path} --help")
    except click.ClickException as error:
        return _refuse(error.format_message())
    except CreditVizError as error:
        return _refuse(str(error))
    except OSError as error:  # our output cannot be written: the disk is full
        return _refuse(str(error))


def _refuse(message: str) -> int:
    say(f"error: {' '.join(message.split())}")
    return 2


def _tolerant(stream: object) -> None:
    """Characters that a terminal's encoding lacks become escapes instead of an error."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


class _Program(click.Group):
    """Imports a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            raise click.UsageError(one_of("command", args[0], COMMANDS), ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without a command, or with options alone, the page is served."""
        own = {"-h", "--help", "--version"}
        if not args or (args[0].startswith("-") and args[0] not in own):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        try:
            click.echo(f"credit-viz {version('credit-viz')}")
        except PackageNotFoundError:
            click.echo("credit-viz, not installed (run from a checkout)")
        ctx.exit()


_program = _Program(
    name="credit-viz",
    help="Watch a diffusion language model make up its mind. Without a command, the page is served.",
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 110},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Show the version and exit.",
        ),
    ],
)
