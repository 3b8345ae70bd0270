"""Search NAS-Bench-201's cells with NNI: prerank's strategy against random draws, on scikit-learn's digits.

python examples/nni_strategy.py [--models 12] [--seed 0]

The model space is the one in NNI's hub, made small. Each strategy trains as many networks, in this process; prerank
ranks 256 cells before each. The packaged weights know the cells on CIFAR-10 and have never seen digits. A network takes
about a second.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from functools import lru_cache
from itertools import accumulate
from typing import Any

import nni
import torch
import torch.nn.functional as F
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.experiment import NasExperiment, NasExperimentConfig
from nni.nas.hub.pytorch import NasBench201
from nni.nas.strategy import Random, Strategy
from rich import print
from rich.table import Table
from sklearn.datasets import load_digits
from torch import Tensor, nn

from prerank.integrations.nni import RLMStrategy, nas_bench_201_text
from prerank.search_spaces import nas_bench_201

STEPS, BATCH, RATE = 60, 32, 0.1
TRAINING_IMAGES, VALIDATION_IMAGES = 256, 1000


def main() -> None:
    """Search with both strategies and print the best accuracy after each network."""
    arguments = parse()
    logging.getLogger("nni").setLevel(logging.WARNING)
    torch.set_num_threads(1)  # networks this small gain nothing from more
    ranked = RLMStrategy(problem=nas_bench_201.problem(), to_text=nas_bench_201_text, seed=arguments.seed)
    searches: dict[str, Strategy] = {"Random": Random(seed=arguments.seed), "RLMStrategy": ranked}
    best = {name: list(accumulate(search(strategy, arguments), max)) for name, strategy in searches.items()}
    table = Table("networks", *(f"best of {name}" for name in best))
    for number, row in enumerate(zip(*best.values(), strict=True), 1):
        table.add_row(str(number), *(f"{accuracy:.3f}" for accuracy in row))
    print(table)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=12, help="networks that each strategy trains")
    parser.add_argument("--seed", type=int, default=0, help="seed of the strategies")
    return parser.parse_args()


def search(strategy: Strategy, arguments: argparse.Namespace) -> list[float]:
    """Accuracies of the networks that a strategy trains, in their order."""
    torch.manual_seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        config: Any = NasExperimentConfig("sequential", "simplified")
        config.execution_engine.max_model_count = arguments.models
        config.experiment_working_directory = folder
        space: Any = NasBench201(stem_out_channels=4, num_modules_per_stack=1)
        experiment = NasExperiment(space, FunctionalEvaluator(report_accuracy), strategy, config)
        experiment.run()
        trained = [model.metric or 0.0 for model in strategy.list_models(sort=False)]
        experiment.stop()
    return trained


def report_accuracy(network: nn.Module) -> None:
    """Train on some digits and report the share of others that is recognised; about a second."""
    images, labels = digits()
    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=0.9, nesterov=True)
    for step in range(STEPS):
        batch = torch.arange(step * BATCH, (step + 1) * BATCH) % TRAINING_IMAGES
        optimizer.zero_grad()
        F.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimizer.step()
    network.eval()
    with torch.inference_mode():
        right = network(images[-VALIDATION_IMAGES:]).argmax(dim=1) == labels[-VALIDATION_IMAGES:]
    accuracy = float(right.float().mean())
    print(f"trained a network: {accuracy:.3f}")
    nni.report_final_result(accuracy)


@lru_cache(maxsize=1)
def digits() -> tuple[Tensor, Tensor]:
    """Images in [0, 1], (1797, 3, 8, 8), and labels, (1797,), shuffled: neighbours in the data share a writer."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    grey = torch.tensor(images / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return grey.expand(-1, 3, -1, -1)[order], torch.tensor(labels)[order]


if __name__ == "__main__":
    main()
