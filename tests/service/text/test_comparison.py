from gradclinic.schemas.comparison import ComparisonAnswer
from gradclinic.text.comparison import ranking_text


def comparison(**effect: object) -> ComparisonAnswer:
    found = {
        "difference": -1.5,
        "interval": [-2.0, -1.0],
        "confidence": 0.95,
        "ratio": 0.22,
        "ratio_interval": [0.13, 0.37],
        "wins": 3,
        "losses": 0,
        "pairs": 3,
        "p_value": 0.25,
        "unit": "ln(nat)",
        "baseline_mean": 2.3,
        "arm_mean": 0.5,
        **effect,
    }
    arm = {
        "arm": "norm",
        "rank": 1,
        "verdict": "cures",
        "verdict_so_far": "cures",
        "reason": "It learns.",
        "seeds_needed": None,
        "runs": 3,
        "pending": 0,
        "lost": 0,
        "paired_by": "seed",
        "conditions": {"healthy": 3},
        "baseline_conditions": {"vanishing_gradients": 3},
        "new_conditions": {},
        "conditions_by_seed": [],
        "diagnoses": [],
        "learned": 3,
        "effects": {"final_validation_loss": found},
        "cost": {"train_seconds_ratio": 1.5, "memory_ratio": None, "parameters_ratio": None},
    }
    return ComparisonAnswer.model_validate(
        {
            "study_id": None,
            "baseline": "baseline",
            "metric": "final_validation_loss",
            "confidence": 0.95,
            "method": "",
            "notes": ["Runs were trained on different devices."],
            "false_verdicts_at_most": 0.05,
            "complete": True,
            "baseline_runs": 3,
            "baseline_conditions": {"vanishing_gradients": 3},
            "baseline_conditions_by_seed": [],
            "baseline_diagnoses": [],
            "arms": [arm],
        }
    )


def test_a_ranking_shows_verdict_effect_interval_and_cost() -> None:
    text = ranking_text(comparison())
    for words in ("vanishing 3/3", "cures", "healthy 3/3", "x0.22 [0.13, 0.37]", "x1.50", "on different devices."):
        assert words in text


def test_an_effect_without_a_number_counts_its_wins() -> None:
    assert "better in 3 of 3" in ranking_text(comparison(difference=None, interval=None))


def test_a_narrow_terminal_gets_fewer_columns_and_no_broken_ones() -> None:
    for width in (70, 80, 90, 120):
        lines = ranking_text(comparison(), width=width).splitlines()
        assert all(len(line) <= width for line in lines)
        assert any("cures" in line and "x0.22 [0.13, 0.37]" in line for line in lines)


def test_arms_with_many_conditions_keep_their_name_verdict_and_effect() -> None:
    counts = {"vanishing_gradients": 6, "slow_convergence": 4, "healthy": 3, "oscillating_loss": 3, "too_short": 2}
    found = comparison()
    found = found.model_copy(update={"arms": [found.arms[0].model_copy(update={"conditions": counts})]})
    (line,) = [line for line in ranking_text(found).splitlines() if "norm" in line]
    for words in ("cures", "vanishing 6/18, 4 more", "x0.22 [0.13, 0.37]", "x1.50"):
        assert words in line
