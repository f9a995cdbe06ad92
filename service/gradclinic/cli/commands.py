"""All commands of the program."""

import typer

from . import (
    baseline,
    catalogue,
    check,
    claim,
    comparison,
    dataset,
    demo,
    diagnosis,
    key,
    prescription,
    report,
    run,
    schedule,
    serve,
    study,
)

app = typer.Typer(
    name="gradclinic",
    help="Diagnose neural network training, and measure which remedies cure it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
database = typer.Typer(help="Manage the database.", no_args_is_help=True)

app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.command("reconciler")(serve.reconciler)
app.command("demo")(demo.demo)
app.command("upload")(dataset.upload)
app.command("run")(run.run)
app.command("study")(study.study)
app.command("prescribe")(prescription.prescribe)
app.command("check")(check.check)
app.add_typer(baseline.app, name="baseline")
app.add_typer(schedule.app, name="schedule")
app.command("claims")(claim.claims)
app.command("compare")(comparison.compare)
app.command("diagnose")(diagnosis.diagnose)
app.command("report")(report.report)
app.command("catalogue")(catalogue.catalogue)
app.add_typer(dataset.app, name="datasets")
app.add_typer(key.app, name="keys")
app.add_typer(database, name="db")
database.command("upgrade")(serve.upgrade)
