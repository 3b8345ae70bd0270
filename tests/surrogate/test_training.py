from __future__ import annotations

import itertools
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from prerank.surrogate import Problem, RLMSurrogate, Row, Training
from prerank.surrogate.metrics import spearman
from prerank.surrogate.table import Table
from prerank.surrogate.training_run import Run, loss_of

PROBLEM = Problem("count the letters", "letters")


def count_rows(n: int, seed: int = 0) -> list[Row]:
    """Words a and b; the value is the number of a's, a second metric is there for some, no b at all is a failure."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for _ in range(n):
        word = rng.permutation(["a"] * int(rng.integers(1, 9)) + ["b"] * int(rng.integers(0, 3)))
        values = {"letters": float((word == "a").sum()) if "b" in word else np.nan}
        if rng.random() < 0.5:
            values["twice"] = 2.0 * (word == "a").sum()
        rows.append(Row(PROBLEM.context, (" ".join(word),), values))
    return rows


def tiny() -> RLMSurrogate:
    return RLMSurrogate.untrained(
        ["a b letters twice"], vocabulary=270, width=32, heads=2, encoder_layers=1, reader_layers=1, writer_layers=1
    )


def run(steps: int, folder: Path | None = None, validate_every: int = 150, patience: int = 10) -> Training:
    return Training(
        steps,
        candidates=64,
        metrics=2,
        rate=0.02,
        adam_rate=0.01,
        folder=folder,
        validate_every=validate_every,
        patience=patience,
    )


def test_a_rule_is_learnt_with_its_failures() -> None:
    surrogate, test = tiny(), count_rows(200, seed=1)
    surrogate.fit(count_rows(600), run(150))
    p = surrogate.predict(PROBLEM, [row.texts[0] for row in test])
    values = np.array([row.values["letters"] for row in test])
    assert spearman(p.mean, values) > 0.9
    assert p.p_fail[np.isnan(values)].mean() > p.p_fail[np.isfinite(values)].mean() + 0.5
    assert surrogate.knowledge["count the letters"]["letters"] > 0.9
    assert p.trust[0] > 0.9
    assert surrogate.predict(Problem("elsewhere", "letters"), ["a"]).trust[0] == 0


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = count_rows(100)
    whole = tiny()
    whole.fit(rows, run(12))
    update = Run._update

    def interrupt(self: Run) -> Tensor:
        if self._step == 7:
            raise KeyboardInterrupt
        return update(self)

    resumed = tiny()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "_update", interrupt)
        resumed.fit(rows, run(12, tmp_path))
    resumed.fit(rows, run(12, tmp_path))
    texts = [row.texts[0] for row in rows]
    assert np.array_equal(resumed.predict(PROBLEM, texts).mean, whole.predict(PROBLEM, texts).mean)


def test_the_log_is_json_lines(tmp_path: Path) -> None:
    tiny().fit(count_rows(60), run(6, tmp_path, validate_every=3))
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in entries] == [3, 6]
    assert all(entry["loss"] > 0 for entry in entries)


def test_a_run_without_progress_stops_early_with_the_best_weights(tmp_path: Path) -> None:
    surrogate, ranks = tiny(), iter([0.5, 0.9, 0.1, 0.2, 0.3, 0.4])
    model = surrogate._inference.model
    kept: list[float] = []

    def validate() -> float:
        kept.append(float(model.order.sum()))
        return next(ranks)

    run(60, tmp_path, validate_every=2, patience=2).run(
        model, Table(count_rows(50), surrogate._inference.tokenizer), validate
    )
    assert len(kept) == 4
    assert float(model.order.sum()) == kept[1]


def test_the_default_run_trains_a_copy() -> None:
    surrogate, rows = tiny(), count_rows(40)
    fork, before = surrogate.fork(), surrogate.predict(PROBLEM, ["a a b"]).mean
    fork.fit(rows)
    assert fork.predict(PROBLEM, ["a a b"]).mean != before
    assert surrogate.predict(PROBLEM, ["a a b"]).mean == before


def test_rows_that_say_nothing_are_named() -> None:
    with pytest.raises(ValueError, match="no text"):
        Row("c", (), {"m": 1.0})
    with pytest.raises(ValueError, match="'cell' has no value"):
        Row("c", ("cell",), {})
    with pytest.raises(ValueError, match="no rows"):
        tiny().fit([], run(1))


def test_a_batch_has_all_contexts_metrics_and_values_in_place() -> None:
    rows = [Row(f"space\nc{n % 2}", (f"{n}", f"{n} again"), {"m": float(n + 1)}) for n in range(20)]
    table = Table(rows, tiny()._inference.tokenizer)
    batch = table.draw(np.random.default_rng(0), contexts=8, candidates=10, metrics=3)
    assert batch.contexts.shape[0] == 2
    assert batch.candidates.shape[0] == 10
    assert batch.tokens.shape[:2] == batch.asked.shape == batch.present.shape == (10, 1)
    assert batch.present.all()
    assert int(batch.candidates.max()) < len(batch.pieces)


def weights(surrogate: RLMSurrogate) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in surrogate._inference.model.parameters()])


def train(surrogate: RLMSurrogate, training: Training, validate: Callable[[], float]) -> None:
    inference = surrogate._inference
    training.run(inference.model, Table(count_rows(100), inference.tokenizer), validate)


@pytest.mark.parametrize("where", ["step", "between the optimizers", "validation"])
def test_an_interrupt_anywhere_costs_nothing(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(call: Callable[..., Any], at: int) -> Callable[..., Any]:
        calls = itertools.count(1)

        def wrapper(*arguments: Any, **options: Any) -> Any:
            if next(calls) == at:
                raise KeyboardInterrupt
            return call(*arguments, **options)

        return wrapper

    def rank_of(surrogate: RLMSurrogate) -> Callable[[], float]:
        return lambda: float(surrogate._inference.model.order.detach().sum())

    whole, cut, resumed = tiny(), tiny(), tiny()
    train(whole, run(12, validate_every=4), rank_of(whole))
    validate = interrupted(rank_of(cut), 2 if where == "validation" else 99)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if where == "step":
            patch.setattr(Run, "_update", interrupted(Run._update, 7))
        if where == "between the optimizers":
            patch.setattr(torch.optim.AdamW, "step", interrupted(torch.optim.AdamW.step, 7))
        train(cut, run(12, tmp_path, validate_every=4), validate)
    train(resumed, run(12, tmp_path, validate_every=4), rank_of(resumed))
    assert torch.equal(weights(resumed), weights(whole))


@pytest.mark.parametrize("steps", [4, 60])
def test_a_run_that_ended_is_not_gone_on_with(steps: int, tmp_path: Path) -> None:
    ranks = iter([0.9, *np.linspace(0.1, 0.5, 40)])
    first, second = tiny(), tiny()
    train(first, run(steps, tmp_path, validate_every=2, patience=2), lambda: next(ranks))
    log = (tmp_path / "log.jsonl").read_text()
    train(second, run(steps, tmp_path, validate_every=2, patience=2), lambda: next(ranks))
    assert torch.equal(weights(first), weights(second))
    assert (tmp_path / "log.jsonl").read_text() == log


def test_the_state_of_another_run_is_refused(tmp_path: Path) -> None:
    def of(**own: str) -> None:
        train(tiny(), replace(run(2, tmp_path), of=own), lambda: 0.5)

    of(tables="a", machine="0")
    of(machine="0", tables="a")
    for own, other in (
        ({"tables": "b", "machine": "0"}, "tables"),
        ({"tables": "a"}, "machine"),
        ({}, "machine, tables"),
    ):
        with pytest.raises(ValueError, match=f"another {other}; .* remove"):
            of(**own)


def test_the_state_of_other_settings_or_rows_is_refused(tmp_path: Path) -> None:
    tiny().fit(count_rows(60), run(2, tmp_path))
    with pytest.raises(ValueError, match=r"another rate; .* remove"):
        tiny().fit(count_rows(60), replace(run(2, tmp_path), rate=0.5))
    with pytest.raises(ValueError, match=r"another rows, validation; .* remove"):
        tiny().fit(count_rows(60, seed=1), run(2, tmp_path))


def test_the_state_of_a_run_from_other_weights_or_rated_on_other_rows_is_refused(tmp_path: Path) -> None:
    rows, validation = count_rows(60), count_rows(20, seed=1)
    tiny().fit(rows, run(2, tmp_path), validation=validation)
    with pytest.raises(ValueError, match=r"another validation; .* remove"):
        tiny().fit(rows, run(2, tmp_path), validation=count_rows(20, seed=2))
    other = tiny()
    other._inference.model.order.data.add_(1)
    with pytest.raises(ValueError, match=r"another start; .* remove"):
        other.fit(rows, run(2, tmp_path), validation=validation)


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"candidates": 0}, {"metrics": 0}, {"validate_every": -1}, {"rate": -0.1}, {"dropout": 1.0}]
)
def test_numbers_that_make_no_run_are_named(wrong: dict[str, Any]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        replace(Training(1), **wrong)


def test_a_training_used_again_knows_nothing_of_its_first_model() -> None:
    training, first, second, alone = run(4, validate_every=2), tiny(), tiny(), tiny()
    train(first, training, lambda: 0.9)
    with torch.no_grad():
        for other in (second, alone):
            other._inference.model.order.add_(1)
    train(second, training, lambda: 0.5)
    train(alone, run(4, validate_every=2), lambda: 0.5)
    assert torch.equal(weights(second), weights(alone))


def test_the_seed_decides_the_draws() -> None:
    one, same, other = tiny(), tiny(), tiny()
    for surrogate, seed in ((one, 0), (same, 0), (other, 1)):
        train(surrogate, replace(run(3), seed=seed), lambda: 0.5)
    assert torch.equal(weights(one), weights(same))
    assert not torch.equal(weights(one), weights(other))


def test_what_was_not_measured_does_not_count() -> None:
    surrogate = tiny()
    model, tokenizer = surrogate._inference.model.eval(), surrogate._inference.tokenizer
    rows = [Row("c", (text,), values) for text, values in (("a", {"m": 2.0}), ("b", {"m": 5.0, "k": 7.0}))]
    batch = Table(rows, tokenizer).draw(np.random.default_rng(0), 1, 2, 2)
    missing = ~batch.present[..., None]
    changed = replace(batch, tokens=torch.where(missing, batch.tokens.flip(0), batch.tokens))
    assert missing.any()
    assert not torch.equal(changed.tokens, batch.tokens)
    assert loss_of(model, changed).item() == loss_of(model, batch).item()


def test_ctrl_c_ends_the_run_after_a_whole_step_that_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cut, resumed = tiny(), tiny(), tiny()
    train(whole, run(12), lambda: 0.5)
    step, calls = torch.optim.AdamW.step, itertools.count(1)

    def press(self: torch.optim.AdamW, *arguments: Any) -> Any:
        if next(calls) == 7:
            signal.raise_signal(signal.SIGINT)
        return step(self, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(torch.optim.AdamW, "step", press)
        train(cut, run(12, tmp_path), lambda: 0.5)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 7
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    train(resumed, run(12, tmp_path), lambda: 0.5)
    assert torch.equal(weights(resumed), weights(whole))


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    with pytest.raises(FloatingPointError, match=r"the loss is .* give a lower rate \(1e\+09\)"):
        tiny().fit(count_rows(60), replace(run(30), rate=1e9, adam_rate=1e9))


@pytest.mark.parametrize("content", [b"", b"no state", b"PK\x03\x04"])
def test_a_damaged_state_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.pt is damaged .*; remove it to begin anew"):
        tiny().fit(count_rows(60), run(2, tmp_path))


def test_a_folder_may_be_a_name(tmp_path: Path) -> None:
    name: Any = str(tmp_path)
    assert run(2, name).folder == tmp_path


@pytest.mark.parametrize(
    ("context", "text", "value"), [(None, "a", 1.0), ("c", 3, 1.0), ("c", "a", None), ("c", "a", "0.5")]
)
def test_a_row_that_has_no_text_or_no_number_is_named(context: Any, text: Any, value: Any) -> None:
    with pytest.raises(ValueError, match=r"where a text belongs|give a number"):
        Row(context, (text,), {"m": value})
