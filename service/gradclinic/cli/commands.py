"""All commands, joined in one program."""

import typer

from . import check as checking
from . import claim as claiming
from . import dataset as uploaded
from . import demo
from . import prescription as prescribing
from . import report as reporting
from . import run as asking
from . import serve as serving
from . import upload as uploading

app = typer.Typer(
    name="gradclinic",
    help="Names what is wrong with a network's gradients, and measures which remedies cure it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
database = typer.Typer(help="The database.", no_args_is_help=True)

app.command("serve")(serving.serve)
app.command("worker")(serving.worker)
app.command("reconciler")(serving.reconciler)
app.command("demo")(demo.demo)
app.command("upload")(uploading.upload)
app.command("run")(asking.run)
app.command("study")(asking.study)
app.command("prescribe")(prescribing.prescribe)
app.command("check")(checking.check)
app.add_typer(checking.baseline, name="baseline")
app.add_typer(checking.schedule, name="schedule")
app.command("claims")(claiming.claims)
app.command("compare")(asking.compare)
app.command("diagnose")(asking.diagnose)
app.command("report")(reporting.report)
app.command("catalogue")(asking.catalogue)
app.add_typer(uploaded.app, name="datasets")
app.add_typer(database, name="db")
database.command("upgrade")(serving.upgrade)
