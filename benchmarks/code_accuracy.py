"""Accuracy after the first epoch from the source of a PyTorch model, of families of models never seen.

python benchmarks/code_accuracy.py [--run FOLDER] [--steps N] [--folds NAME ...]

The sources and accuracies are those of nn-dataset (Ignatov et al., MIT licence): `pip install --no-deps
nn-dataset==2.1.2`, a wheel of 103 MB. A row is a model on a data set with one of its measured settings (learning rate,
batch, transform, ...), drawn at random, which lead the text. A fold leaves out whole families, by their names' prefix.
*joint* reads sources of more than 256 words through the encoder, *split* cuts them there; both train for the same
steps on the same rows. *Observing*: up to 1,000 of these rows, of the data set asked, are told to it as measurements
too (`RLMSurrogate.observe`). Means and intervals are over the folds that were asked, of ten. Interrupt it at will: the
same command goes on; remove the folder of --run to train anew. The parameters of a model are no baseline: nn-dataset
does not have them, and they cannot be counted without running its programs, which this benchmark does not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from intervals import interval, shown
from nn_dataset import SETTINGS, dataset, measured
from numpy.typing import NDArray
from ranks import rank, tau
from rich.progress import track
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer
from tables import show
from train_checkpoint import computes_in_bfloat16

from prerank.surrogate import Problem, RLMSurrogate, Row, Training
from prerank.surrogate.network import CANDIDATE_WORDS

Floats = NDArray[np.float64]
Predict = Callable[[Any], tuple[Floats, Floats]]
"""Rows -> a score of each, and the bounds of its 90 % interval, (2, n); bounds are nan where a model has none."""

METRIC = "val_accuracy 1 epoch"
FEWEST = 15  # models of a data set in a fold that a rank correlation needs
TASKS = ("cifar-10", "cifar-100", "svhn", "mnist", "imagenette", "celeba-gender", "places365")
TOKENS = 300
OBSERVED = 1000
"""Training rows of a data set, at most, that are told as measurements, too."""
VALIDATED = 150


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    frame = measured(dataset(), np.random.default_rng(0), arguments.rows)
    folds = [fold for fold in sorted(frame["fold"].unique()) if not arguments.folds or fold in arguments.folds]
    results = [result for fold in folds for result in asked(frame, fold, arguments)]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/code_accuracy"), help="folder of models and their state")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--candidates", type=int, default=32, help="sources a step")
    parser.add_argument("--rows", type=int, help="most rows, for a trial; default: all")
    parser.add_argument("--folds", nargs="*", help="default: all")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "code_accuracy.json")
    return parser.parse_args()


def asked(frame: Any, fold: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All models on one fold; no source of it, under whatever name, is trained on."""
    test = frame[frame["fold"] == fold]
    train = frame[(frame["fold"] != fold) & ~frame["code"].isin(test["code"])]
    split, joint = (trained(train, fold, route, arguments) for route in ("split", "joint"))
    models: dict[str, Predict] = {
        "constant": constant(train),
        "length of the source": length,
        "trees on settings": trees(train, settings),
        "trees on settings and tokens": trees(train, tokens(train)),
        "prerank, split": reading(split, "split"),
        "prerank, joint": reading(joint, "joint"),
        "prerank, joint, observing": observing(joint, train),
    }
    steps = {"steps": arguments.steps}
    return [steps | summary(fold, name, predict, test) for name, predict in models.items()]


def constant(train: Any) -> Predict:
    """Mean accuracy of each data set."""
    of_task: Any = train.groupby("task")["accuracy"]
    table = {name: group.to_numpy(dtype=np.float64) for name, group in of_task}

    def predict(rows: Any) -> tuple[Floats, Floats]:
        known = table[rows["task"].iloc[0]]
        bounds = np.quantile(known, [0.05, 0.95])
        return np.full(len(rows), known.mean()), np.repeat(bounds[:, None], len(rows), axis=1)

    return predict


def length(rows: Any) -> tuple[Floats, Floats]:
    """Characters of the source."""
    return rows["code"].str.len().to_numpy(dtype=np.float64), np.full((2, len(rows)), np.nan)


def trees(train: Any, columns: Callable[[Any], Any]) -> Predict:
    """Boosted trees for the mean and for both bounds."""
    options: dict[str, Any] = {"categorical_features": "from_dtype", "random_state": 0}
    kinds: list[dict[str, Any]] = [{}, *({"loss": "quantile", "quantile": q} for q in (0.05, 0.95))]
    models = [HistGradientBoostingRegressor(**options, **kind) for kind in kinds]
    known = columns(train)
    for model in models:
        model.fit(known, train["accuracy"])

    def predict(rows: Any) -> tuple[Floats, Floats]:
        mean, low, high = (model.predict(columns(rows)) for model in models)
        return mean, np.stack([low, high])

    return predict


def settings(rows: Any) -> Any:
    """Data set and settings as columns; the transform by the parts of its name, as norm, 256 and flip."""
    numbers = rows[list(SETTINGS[:-1])].apply(pd.to_numeric, errors="coerce")
    name = rows["transform"].astype(str)
    size = pd.to_numeric(name.str.extract(r"(\d+)")[0])
    parts = {part: name.str.contains(part).astype(float) for part in ("norm", "echo", "complex", "flip")}
    return numbers.assign(task=pd.Categorical(rows["task"], TASKS), size=size, **parts)


def tokens(train: Any) -> Callable[[Any], Any]:
    """The same and how often the source has each of the most frequent words and numbers, and its length."""
    counter = CountVectorizer(lowercase=False, token_pattern=r"[A-Za-z_]\w*|\d+", max_features=TOKENS)
    counter.fit(train["code"])

    def columns(rows: Any) -> Any:
        counted: Any = counter.transform(rows["code"])
        counts = pd.DataFrame(counted.toarray(), index=rows.index).add_prefix("token ")
        return pd.concat([settings(rows), counts, rows["code"].str.len().rename("length")], axis=1)

    return columns


def trained(train: Any, fold: str, route: str, arguments: argparse.Namespace) -> RLMSurrogate:
    """The surrogate of a fold, trained anew or read where an earlier command left it."""
    of = told(fold, route, arguments)
    folder = arguments.run / " ".join(f"{name}={word}" for name, word in of.items()).replace(" ", "_")
    if (folder / "checkpoint.json").exists():
        return RLMSurrogate.load(folder)
    sample = train.sample(min(len(train), 2000), random_state=0)
    surrogate = RLMSurrogate.untrained([*sample["text"], METRIC, *map(context, TASKS)], vocabulary=1024)
    kept = np.random.default_rng(0).permutation(len(train))
    part = min(VALIDATED, len(train) // 10)
    own, validation = (rows_of(train.iloc[places], surrogate, route) for places in (kept[part:], kept[:part]))
    run = Training(
        arguments.steps,
        contexts=len(TASKS),
        candidates=arguments.candidates,
        validate_every=200,
        patience=1000,
        folder=folder / "state",
        of=of,
        amp=computes_in_bfloat16(),
    )
    surrogate.fit(own, run, validation=validation)
    surrogate.save(folder)
    return surrogate


def told(fold: str, route: str, arguments: argparse.Namespace) -> dict[str, str]:
    """What a training is of, so that no other one passes for it."""
    settings = {name: str(vars(arguments)[name]) for name in ("rows", "candidates", "steps")}
    return {"fold": fold, "route": route} | settings


def rows_of(frame: Any, surrogate: RLMSurrogate, route: str) -> list[Row]:
    """Rows to train on."""
    texts = (routed(text, surrogate, route) for text in frame["text"])
    return [
        Row(context(task), (text,), {METRIC: accuracy})
        for task, text, accuracy in zip(frame["task"], texts, frame["accuracy"], strict=True)
    ]


def routed(text: str, surrogate: RLMSurrogate, route: str) -> str:
    """The text, or as many of its words as the reader reads."""
    tokenizer = surrogate._inference.tokenizer  # pyright: ignore[reportPrivateUsage]
    words = text.split()[:CANDIDATE_WORDS]
    while route == "split" and tokenizer.exceeds(" ".join(words), CANDIDATE_WORDS):
        words = words[:-4]
    return " ".join(words) if route == "split" else text


def context(task: str) -> str:
    """What all sources of a data set share."""
    return f"pytorch image classifier\ndata={task}"


def reading(surrogate: RLMSurrogate, route: str) -> Predict:
    """Answers of a surrogate."""

    def predict(rows: Any) -> tuple[Floats, Floats]:
        texts = [routed(text, surrogate, route) for text in rows["text"]]
        prediction = surrogate.predict(question(rows), texts)
        return prediction.mean, np.stack([prediction.quantile(0.05), prediction.quantile(0.95)])

    return predict


def observing(surrogate: RLMSurrogate, train: Any) -> Predict:
    """Answers after it was told a part of what it was trained on, of the data set that is asked, as measurements."""

    def predict(rows: Any) -> tuple[Floats, Floats]:
        own = train[train["task"] == rows["task"].iloc[0]]
        told, student = own.sample(min(len(own), OBSERVED), random_state=0), surrogate.fork()
        student.observe(question(rows), told["text"].tolist(), told["accuracy"].to_numpy())
        return reading(student, "joint")(rows)

    return predict


def question(rows: Any) -> Problem:
    """What is asked of rows of one data set."""
    return Problem(context(rows["task"].iloc[0]), METRIC, "maximize")


def summary(fold: str, model: str, predict: Predict, test: Any) -> dict[str, Any]:
    """Rank correlations and coverage on each data set of a fold."""
    tasks: dict[str, dict[str, float]] = {}
    for task, rows in track(list(test.groupby("task")), f"{fold}, {model}", transient=True):
        if len(rows) < FEWEST:
            continue
        (scores, (low, high)), accuracy = predict(rows), rows["accuracy"].to_numpy(dtype=np.float64)
        held = float(((low <= accuracy) & (accuracy <= high)).mean()) if np.isfinite(low).all() else float("nan")
        found = {"spearman": rank(scores, accuracy), "kendall": tau(scores, accuracy), "covered": held}
        tasks[str(task)] = {name: round(value, 4) for name, value in found.items() if np.isfinite(value)}
        tasks[str(task)]["models"] = len(rows)
    long = float((test["text"].str.split().str.len() > CANDIDATE_WORDS).mean())
    return {"fold": fold, "model": model, "long": round(long, 3), "tasks": tasks}


def tables(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The results as a titled data frame of text: Spearman of each fold, and means over folds."""
    lines: list[dict[str, str]] = []
    for model in dict.fromkeys(result["model"] for result in results):
        own = [result for result in results if result["model"] == model]
        each = {f"{result['fold']} ({result['long']:.0%} long)": f"{mean(result, 'spearman'):.2f}" for result in own}
        measures = (("Spearman", "spearman"), ("Kendall", "kendall"), ("90 % hold", "covered"))
        lines.append({"model": model, **each} | {title: over(own, name) for title, name in measures})
    title = f"Accuracy after the first epoch, {measured_as(results)}: Spearman on families never seen"
    return {title: pd.DataFrame(lines)}


def measured_as(results: Sequence[dict[str, Any]]) -> str:
    """How many folds, and the steps of a training where they were noted."""
    folds, steps = ({result[name] for result in results if name in result} for name in ("fold", "steps"))
    return ", ".join([f"{len(folds)} folds", *(f"{number} steps" for number in sorted(steps))])


def mean(result: dict[str, Any], name: str) -> float:
    """Mean of a measure over the data sets of a fold."""
    values = [found[name] for found in result["tasks"].values() if name in found]
    return float(np.mean(values)) if values else float("nan")


def over(results: Sequence[dict[str, Any]], name: str) -> str:
    """Mean of a measure over folds, with its interval."""
    values = [value for result in results if np.isfinite(value := mean(result, name))]
    return shown(interval(values)) if values else ""


if __name__ == "__main__":
    main()
