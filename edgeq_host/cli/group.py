"""The `edgeq` group: commands by stage, errors to messages and exit codes."""

from __future__ import annotations

import importlib
import os
import sys

import click

from edgeq_host import __version__
from edgeq_host.cli import interrupt, output
from edgeq_host.errors import EdgeqError, UsageError

# Every command, by stage; module edgeq_host.cli.<name> holds `command`.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Model": ("check", "quantize", "reproduce", "eval", "diagnose", "inspect", "pack", "export", "sign", "verify", "key"),
    "Device": ("boards", "devices", "plan", "deploy", "run", "status", "rollback", "remove", "log"),
    "Measure": ("profile", "bench"),
    "Project": ("init", "doctor"),
}
MODULES = {"eval": "evaluate", "pack": "pack_files"}  # where the command's name cannot be, or would hide, a module's


class Sections(click.Group):
    """Commands imported only when called, so that --help and completion stay fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"edgeq_host.cli.{MODULES.get(name, name)}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise UsageError(f"there is no command {args[0]!r}", f"commands: {', '.join(self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in SECTIONS.items():
            rows = []
            for name in names:
                command = self.get_command(ctx, name)
                assert command is not None
                rows.append((name, command.get_short_help_str(200)))
            with formatter.section(section):
                formatter.write_dl(rows)


@click.group(
    cls=Sections,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 ok, 1 internal error, 2 usage, 3 incompatible, 4 unreachable, 5 failed and rolled back, 6 signature, "
    "7 some of several failed, 8 rollback failed, 9 time-out, 10 gate not met, 130 interrupted.",
)
@click.version_option(__version__, prog_name="edgeq")
def cli() -> None:
    """Quantize neural networks and run them on small computers.

    \b
    edgeq quantize model.onnx --calibration calib.npz --precision int8 -o model.eqm
    edgeq deploy model.eqm --board local
    edgeq profile model --board local
    """


def run(arguments: list[str]) -> int:
    """The exit code of a command; KeyboardInterrupt where it was interrupted."""
    if sys.stdout is None:  # closed by the caller
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    try:
        return _invoke(arguments)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        if interrupt.came():
            raise KeyboardInterrupt from error
        return _report(error, arguments)


def _invoke(arguments: list[str]) -> int:
    """Not click's own main(): it ends a closed pipe with 1, which is ours for bugs."""
    with cli.make_context("edgeq", list(arguments)) as context:
        code = cli.invoke(context)
    return code if isinstance(code, int) else 0


def _report(error: Exception, arguments: list[str]) -> int:
    as_json = "--json" in arguments
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        output.note(error.ctx.get_help())
        return UsageError.code
    if isinstance(error, click.ClickException):
        ctx = getattr(error, "ctx", None)
        hint = f"see {ctx.command_path if ctx is not None else 'edgeq'} --help"
        return output.error(UsageError(_without_key(error.format_message()), hint), as_json)
    if "--traceback" in arguments:
        output.trace(error)
    if isinstance(error, OSError) and _printed_by_click(error):
        output.discard(sys.stdout)
        if isinstance(error, BrokenPipeError):
            return 0
        error = output.OutputError(error)
    return output.error(_known(error), as_json and not isinstance(error, output.OutputError))


def _without_key(text: str) -> str:
    """A usage error of click's, which repeats the word that is wrong: not where that is a key."""
    return "a key itself stands on the command line, where everybody on this machine can see it" if "-----BEGIN" in text else text


def _printed_by_click(error: Exception) -> bool:
    """Whether it was raised where click writes: --help and --version, which do not pass through edgeq_host.cli.output."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is click.echo.__code__


def _known(error: Exception) -> EdgeqError:
    if isinstance(error, EdgeqError):
        return error
    runtime = sys.modules.get("edgeq_runtime.abi")  # where it is not loaded, the error is not its
    if runtime is not None and isinstance(error, runtime.IsaError):
        return UsageError(str(error), "set EDGEQ_ISA to some of these names, with commas, or leave it unset")
    return EdgeqError(
        f"internal error: {type(error).__name__}: {error}", "this is a bug in edgeq: run again with --traceback and report it"
    )
