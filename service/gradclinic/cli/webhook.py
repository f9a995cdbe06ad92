"""Commands for webhooks: webhooks create, list, show, test, pause, resume, rotate, redeliver and delete."""

import sys
from itertools import islice
from typing import Annotated, cast

import typer
from rich.text import Text

from ..client import Clinic
from ..kernel.vocabulary import AlertKind, WebhookFormat
from ..schemas.webhook import DeliveryAnswer, WebhookAnswer
from ..text.console import console_for, show
from ..text.numbers import minute
from .options import AsJson, Name, Url, print_json, print_listed

app = typer.Typer(help="Send alerts to other services.", no_args_is_help=True)

SHOWN = 20
"""Number of latest deliveries that `show` prints."""
_STYLES = {"delivered": "green", "lost": "red", "pending": "yellow"}


@app.command("create")
def create(
    name: Name,
    *,
    form: Annotated[WebhookFormat, typer.Option("--format", help="Signed JSON, or messages to Slack.")] = "standard",
    alerts: Annotated[
        list[str] | None, typer.Option("--alert", help="A kind of alert that it gets, several times; otherwise all.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Create a webhook. Its URL is read from standard input, because it may contain a secret."""
    if sys.stdin.isatty():
        typer.echo("URL that alerts are sent to: ", nl=False, err=True)
    target = sys.stdin.readline().strip()
    with Clinic(url) as clinic:
        kinds = None if alerts is None else cast("list[AlertKind]", alerts)
        made = clinic.create_webhook(name, target, format=form, alerts=kinds)
    if as_json:
        print_json(made.document)
        return 0
    typer.echo(_line(made))
    if made.secret is not None:
        typer.echo(f"Its secret, which is shown only now: {made.secret}")
    return 0


@app.command("list")
def list_webhooks(*, url: Url = None, as_json: AsJson = False) -> int:
    """List all webhooks."""
    with Clinic(url) as clinic:
        found = list(clinic.webhooks())
    return print_listed(found, _line, what="webhooks", as_json=as_json)


@app.command("show")
def show_webhook(name: Name, *, url: Url = None, as_json: AsJson = False) -> int:
    """Show a webhook, and what was delivered to it last."""
    with Clinic(url) as clinic:
        found, last = clinic.get_webhook(name), list(islice(clinic.deliveries(name), SHOWN))
    if as_json:
        print_json({**found.document, "last": [each.document for each in last]})
        return 0
    typer.echo(_line(found))
    for each in last:
        _show_delivery(each)
    return 0


@app.command("test")
def try_webhook(name: Name, *, url: Url = None) -> int:
    """Send a webhook an alert to try it."""
    with Clinic(url) as clinic:
        _show_delivery(clinic.test_webhook(name))
    return 0


@app.command("pause")
def pause(name: Name, *, url: Url = None) -> int:
    """Pause a webhook: it gets no alerts until it is resumed."""
    with Clinic(url) as clinic:
        typer.echo(_line(clinic.pause_webhook(name)))
    return 0


@app.command("resume")
def resume(name: Name, *, url: Url = None) -> int:
    """Resume a paused webhook."""
    with Clinic(url) as clinic:
        typer.echo(_line(clinic.pause_webhook(name, paused=False)))
    return 0


@app.command("rotate")
def rotate(
    name: Name,
    *,
    keep_hours: Annotated[int, typer.Option(min=0, max=720, help="Hours for which the old secret signs, too.")] = 24,
    url: Url = None,
) -> int:
    """Give a webhook a new secret, and print it once."""
    with Clinic(url) as clinic:
        typer.echo(f"Its secret, which is shown only now: {clinic.rotate_webhook(name, keep_hours=keep_hours).secret}")
    return 0


@app.command("redeliver")
def redeliver(
    name: Name,
    delivery: Annotated[str, typer.Argument(help="Id of a delivery, as `show` prints it.")],
    *,
    url: Url = None,
) -> int:
    """Deliver an alert again that was delivered or lost."""
    with Clinic(url) as clinic:
        _show_delivery(clinic.redeliver(name, delivery))
    return 0


@app.command("delete")
def delete_webhook(name: Name, *, url: Url = None) -> int:
    """Delete a webhook with its log."""
    with Clinic(url) as clinic:
        clinic.delete_webhook(name)
    return 0


def _show_delivery(each: DeliveryAnswer) -> None:
    status = Text(each.status, style=_STYLES[each.status])
    why = f" ({each.problem})" if each.problem else ""
    words = Text.assemble(f"  {minute(each.created_at)}  {each.id}  {each.kind}  ", status, why)
    show(console_for(), words)


def _line(found: WebhookAnswer) -> str:
    state = (f"paused ({found.problem})" if found.problem else "paused") if found.paused else "on"
    return f"{found.name}  {found.format}  {found.host}  {state}  {found.pending} waiting"
