"""`edgeproof`: the verbs, and how a command ends (0 done, 1 the answer is no, 2 bad input, 3 interrupted)."""

import signal
import sys
from typing import Annotated

import typer

import edgeproof
from edgeproof.cli import (
    calibrate,
    campaign,
    compare,
    demo,
    doctor,
    evaluate,
    judge,
    market,
    registry,
    report,
    rl,
    sweep,
    template,
    tune,
    verdict,
)
from edgeproof.cli import run as run_verb
from edgeproof.core.device import prepare_environment
from edgeproof.core.errors import EdgeproofError, Interrupted, OptionError
from edgeproof.core.ranks import leads, process_count

__all__ = ["app", "main", "run"]

TOO_LARGE = "can't allocate memory"  # what PyTorch says where NumPy raises a MemoryError

app = typer.Typer(
    name="edgeproof",
    help="Train trading models on market bars and prove, or disprove, that they have an edge.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Train trading models on market bars and prove, or disprove, that they have an edge."""
    if version:
        typer.echo(f"edgeproof {edgeproof.__version__}")
        raise typer.Exit
    if process_count() > 1 and context.invoked_subcommand != "run":
        _refuse_several(str(context.invoked_subcommand))


def _refuse_several(verb: str) -> None:
    if not leads():
        raise typer.Exit(OptionError.exit_status)
    raise OptionError(f"edgeproof {verb} is done by one process; start it without torchrun, which is for edgeproof run")


app.command("demo")(demo.demo)
app.add_typer(market.app, name="market")
app.command("run")(run_verb.run)
app.command("evaluate")(evaluate.evaluate)
app.command("verdict")(verdict.verdict)
app.command("compare")(compare.compare)
app.command("report")(report.report)
app.command("judge")(judge.judge)
app.command("calibrate")(calibrate.calibrate)
app.command("campaign")(campaign.campaign)
app.command("sweep")(sweep.sweep)
app.command("tune")(tune.tune)
app.command("doctor")(doctor.doctor)
app.add_typer(rl.app, name="rl")
app.add_typer(registry.app, name="registry")
app.add_typer(template.app, name="template")


def run() -> None:
    """Run the command line; a user's mistake ends in one line and its exit status, never in a traceback."""
    prepare_environment()
    signal.signal(signal.SIGINT, _interrupt)
    command = typer.main.get_command(app)
    try:
        status = command.main(standalone_mode=False)
    except EdgeproofError as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        status = error.exit_status
    except Exception as error:
        status = _usage_status(error)
    if process_count() > 1:
        from edgeproof.train.team import depart

        depart(status or 0)
    sys.exit(status or 0)


def _too_much(error: Exception) -> str:
    what = " ".join(str(error).split())[:200]
    if isinstance(error, OverflowError):
        return (
            f"a number is too large to compute with ({what}); lower the largest count of bars, samples or money given"
        )
    return (
        f"not enough memory{f' ({what})' if what else ''}; lower train.batch_size, window, the model's sizes, or the "
        "market's bars or symbols"
    )


def _interrupt(number: int, frame: object) -> None:
    raise Interrupted("interrupted: what was finished is on disk, and the same command resumes")


def _usage_status(error: Exception) -> int:
    """Exit status of the command-line parser's own errors; anything else is a defect and keeps its traceback."""
    if isinstance(error, MemoryError | OverflowError) or TOO_LARGE in str(error):
        typer.secho(f"error: {_too_much(error)}", err=True, fg="red")
        return EdgeproofError.exit_status
    show = getattr(error, "show", None)
    if show is None:
        if isinstance(error.__cause__, Interrupted):  # compiled code wraps what a signal raises
            typer.secho(f"error: {error.__cause__}", err=True, fg="red")
            return error.__cause__.exit_status
        raise error
    show()
    return int(getattr(error, "exit_code", 2))
