"""The ``financial-live`` command."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from financial_live.cli.console import Console
from financial_live.config import Settings
from financial_live.errors import AppError
from financial_live.scope import Role

FAILED = 1
_DEFAULT = "run"

app = typer.Typer(
    help="Live fundraising: a gift given in one browser moves the bar in every other. "
    "Without a command this is `run`.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

user = typer.Typer(help="Make accounts, and set their passwords and roles.")
app.add_typer(user, name="user")

rates = typer.Typer(help="Enter and list the exchange rates that gifts are converted by.")
app.add_typer(rates, name="rates")

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        readable=False,
        help="Folder of the databases, the built frontend and the logs.",
    ),
]


@app.command()
def run(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that serve.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Start everything, serve until Ctrl-C, and stop everything."""
    from financial_live.cli import supervisor

    settings = Settings.load(host=host, port=port, data_dir=data_dir)
    supervisor.run(settings, workers=workers, console=Console())


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's schema up to date."""
    from financial_live.cli import data

    data.migrate(Settings.load(data_dir=data_dir), Console())


@app.command()
def build(
    to: Annotated[
        Path | None, typer.Option(help="Folder to put them into; by default the data folder's.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Build the pages ahead of a start, for FINANCIAL_LIVE_FRONTEND_DIR."""
    from financial_live.cli import building

    building.build(Settings.load(data_dir=data_dir), to, Console())


@app.command()
def demo(data_dir: DataDir = None) -> None:
    """Load the demo campaigns."""
    from financial_live.cli import data

    data.demo(Settings.load(data_dir=data_dir), Console())


@app.command()
def check(data_dir: DataDir = None) -> None:
    """Prove from the rows that every campaign's total is right."""
    from financial_live.cli import data

    _fail_unless(data.check(Settings.load(data_dir=data_dir), Console()))


@app.command()
def doctor(data_dir: DataDir = None) -> None:
    """Look at what is installed, reachable and migrated, and say what to do where it is not."""
    from financial_live.cli.diagnosis import diagnose

    _fail_unless(diagnose(data_dir, Console()))


@app.command()
def simulate(
    campaign: Annotated[str, typer.Option(help="Slug of the campaign that gets the gifts.")],
    rate: Annotated[float, typer.Option(min=0.01, max=1000, help="Gifts a second.")] = 5.0,
    duration: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds; without it until Ctrl-C.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Address of the server; by default the running one.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Give gifts to a campaign of a running server, over HTTP."""
    from financial_live.cli import simulation

    address = url or simulation.running_address(Settings.load(data_dir=data_dir))
    plan = simulation.Plan(campaign, rate_hz=rate, duration_s=duration)
    _fail_unless(simulation.simulate(address, plan, Console()))


Email = Annotated[str, typer.Argument(help="Address of the account.")]


@user.command()
def create(
    email: Email,
    name: Annotated[str, typer.Option(help="Their name, as others see it.")],
    role: Annotated[Role, typer.Option(help="What the account is for.")] = Role.DONOR,
    data_dir: DataDir = None,
) -> None:
    """Make an account. The password is asked for, or read from the standard input."""
    from financial_live.cli import users

    settings = Settings.load(data_dir=data_dir)
    users.create(settings, email, name=name, role=role, console=Console())


@user.command()
def password(email: Email, data_dir: DataDir = None) -> None:
    """Set somebody's password, which is asked for, or read from the standard input."""
    from financial_live.cli import users

    users.set_password(Settings.load(data_dir=data_dir), email, Console())


@user.command()
def role(
    email: Email,
    role: Annotated[Role, typer.Argument(help="What the account is for.")],
    data_dir: DataDir = None,
) -> None:
    """Give somebody another role."""
    from financial_live.cli import users

    users.set_role(Settings.load(data_dir=data_dir), email, role, Console())


@rates.command("import")
def import_rates(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="eurofxref file of the European Central Bank."
        ),
    ],
    data_dir: DataDir = None,
) -> None:
    """Import euro reference rates of the European Central Bank: its XML, or its CSV unpacked."""
    from financial_live.cli import exchange_rates

    exchange_rates.import_file(Settings.load(data_dir=data_dir), file, Console())


@rates.command("set")
def set_rate(
    base: Annotated[str, typer.Argument(help="Currency of which one unit is meant.")],
    quote: Annotated[str, typer.Argument(help="Currency that it is worth RATE of.")],
    rate: Annotated[str, typer.Argument(help="How much, such as 1.0842.")],
    *,
    as_of: Annotated[str, typer.Option(help="Day it is of, such as 2026-11-30.")],
    source: Annotated[str, typer.Option(help="Who says so.")],
    data_dir: DataDir = None,
) -> None:
    """Enter an exchange rate by hand. It counts until there is a newer one."""
    from financial_live.cli import exchange_rates

    given = {"base_currency": base, "quote_currency": quote, "rate": rate}
    given |= {"as_of": as_of, "source": source}
    exchange_rates.enter(Settings.load(data_dir=data_dir), given, Console())


@rates.command("list")
def list_rates(
    search: Annotated[
        str | None, typer.Argument(help="Currency, pair (such as EUR USD), or part of a source.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """List the last exchange rates, of the newest day first."""
    from financial_live.cli import exchange_rates

    exchange_rates.show(Settings.load(data_dir=data_dir), search, Console())


def main(argv: list[str] | None = None) -> None:
    """Run the command and leave with its exit code: 0, 1 for an error, 2 for wrong usage."""
    arguments = with_default_command(sys.argv[1:] if argv is None else argv)
    code = _guarded(lambda: app(args=arguments, prog_name="financial-live"))
    _forget_lost_terminal()
    sys.exit(code)


def with_default_command(argv: list[str]) -> list[str]:
    """Put ``run`` before options that name no command."""
    if argv and (not argv[0].startswith("-") or argv[0] in ("-h", "--help")):
        return argv
    return [_DEFAULT, *argv]


def _guarded(work: Callable[[], Any]) -> int:
    """Say an error that the user can act on in one message, without a traceback."""
    try:
        work()
    except AppError as error:
        Console().error(error.message)
        return FAILED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else FAILED
    return 0


def _forget_lost_terminal() -> None:
    """Drop what a terminal that is gone will never show: the exit must not fail because of it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail_unless(good: bool) -> None:
    if not good:
        raise typer.Exit(FAILED)
