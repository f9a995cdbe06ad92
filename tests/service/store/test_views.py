from datetime import UTC, datetime

from sqlalchemy import text

from gradclinic.store import Reason, Store
from gradclinic.store.database import Database

from .records import DIAGNOSIS, claimed, outcome, queued, record, window


def test_dashboards_read_runs_layers_findings_and_transitions(store: Store, database_url: str) -> None:
    lease = claimed(store)
    queued(store, name="waits")
    store.leases.finish(
        lease,
        status="succeeded",
        reason=Reason("trained", ""),
        record=record(series=window(0, 5), outcome=outcome()),
        diagnosis=DIAGNOSIS,
    )
    database = Database(database_url)
    with database.within(None).read() as connection:
        ended, waits = connection.execute(text("SELECT * FROM runs_v1 ORDER BY id")).mappings().all()
        layers = connection.execute(text("SELECT layer, last_value FROM layers_v1 ORDER BY position")).all()
        findings = connection.execute(text("SELECT condition FROM findings_v1 ORDER BY number")).scalars().all()
        changes = connection.execute(
            text("SELECT status FROM transitions_v1 WHERE run_id = :id ORDER BY number"), {"id": lease.run_id}
        ).scalars()
        assert list(changes) == ["queued", "running", "succeeded"]
    database.close()
    assert (ended["condition"], ended["final_validation_accuracy"]) == ("vanishing_gradients", 0.9)
    assert (waits["name"], waits["status"], waits["ended_at"]) == ("waits", "queued", None)
    assert [(layer, round(value, 3)) for layer, value in layers] == [("0.linear", 4.0), ("2.linear", 4.1)]
    assert findings == ["vanishing_gradients", "slow_convergence"]
    shown = ended["created_at"]
    at = shown if isinstance(shown, datetime) else datetime.fromisoformat(shown)
    assert abs((datetime.now(UTC) - at).total_seconds()) < 3600
