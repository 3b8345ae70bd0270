"""Speed and memory of the shipped checkpoint, as ratios taken in one run.

python benchmarks/inference.py

1. A thousand candidates against one, under a shared context of 512 words; candidates a second.
2. Against decoding the same weights the reference way: texts padded to the limit, the context read again for every
   candidate, memory copied for each of 64 samples, no cache of keys and values, the median of the samples as the
   answer; and the rank correlation that each way reaches on test cells.
3. Peak memory of loading and ranking 100,000 candidates in a process of its own.
4. Agreement: the same ranking in every run, order and process; batch sizes; cached and uncached decoding.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from command_line import command_line
from measured_tables import nas_bench_101_test_cells
from numpy.typing import NDArray
from tables import show

from prerank.search_spaces import nas_bench_101
from prerank.surrogate import Problem, RLMSurrogate, rank
from prerank.surrogate.attention import KeysValues, Memory
from prerank.surrogate.codec import FIRST, LENGTH, decode, encode
from prerank.surrogate.inference import Inference
from prerank.surrogate.metrics import spearman
from prerank.surrogate.network import CANDIDATE_WORDS, CONTEXT_WORDS

SAMPLES = 64
MANY = 100_000
ROUNDS = 5
CELLS = 512


def main() -> None:
    """Measure everything and print it."""
    arguments = parse()
    if arguments.memory_child:
        return memory_child(arguments.memory_child)
    surrogate = RLMSurrogate.load(arguments.checkpoint, backend="torch")  # as the reference
    texts = [nas_bench_101.to_text(cell) for cell in nas_bench_101.sample(np.random.default_rng(0), 1000)]
    results = (
        scaling(surrogate, texts)
        | reference(surrogate, texts, arguments.data)
        | agreement(surrogate, texts)
        | {f"peak memory of ranking {MANY:,} candidates, MB": memory()}
    )
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def tables(results: dict[str, Any]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    cells = {name: f"{value:,.4g}" if isinstance(value, float) else str(value) for name, value in results.items()}
    return {"Inference, packaged checkpoint, CPU": pd.DataFrame(cells.items(), columns=["what", "measured"])}


def parse() -> argparse.Namespace:
    """Command line."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--memory-child", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def scaling(surrogate: RLMSurrogate, texts: list[str]) -> dict[str, Any]:
    """Cost of a thousand candidates against one; contexts differ in every round, so that each is read anew."""

    def ask(count: int) -> Callable[[int], object]:
        return lambda salt: surrogate.predict(long_problem(salt), texts[:count])

    ask(2)(0)
    one, thousand = median_seconds(ask(1), 10), median_seconds(ask(1000), 100)
    return {
        "t(1) with a context of 512 words, ms": 1000 * one,
        "t(1,000) / t(1)": thousand / one,
        "candidates a second": 1000 / thousand,
    }


def long_problem(salt: int) -> Problem:
    """The space's question under a context of exactly 512 words."""
    problem = nas_bench_101.problem()
    words = problem.context.split(" ")
    filler = [f"fact{(salt * 1009 + number) % 997}" for number in range(CONTEXT_WORDS - len(problem.context.split()))]
    return Problem(" ".join(words + filler), problem.metric, problem.direction)


def reference(surrogate: RLMSurrogate, texts: list[str], data: Path) -> dict[str, Any]:
    """The same weights decoded the reference way, 16 candidates a batch."""
    problem, inference = nas_bench_101.problem(), surrogate._inference  # pyright: ignore[reportPrivateUsage]
    batch = texts[:16]
    slow = median_seconds(lambda salt: sampled(inference, problem, batch, salt), 0, rounds=3) / len(batch)
    fast = median_seconds(lambda salt: surrogate.predict(problem, texts), 0) / len(texts)
    cells, accuracy = nas_bench_101_test_cells(data, CELLS)
    pairs = [(cells[i : i + 16], i) for i in range(0, len(cells), 16)]
    medians = np.concatenate([sampled(inference, problem, part, salt) for part, salt in pairs])
    return {
        "reference decoding, ms a candidate": 1000 * slow,
        "tree decoding, ms a candidate": 1000 * fast,
        "reference / tree": slow / fast,
        f"Spearman of {CELLS} test cells, reference": spearman(medians, accuracy),
        f"Spearman of {CELLS} test cells, tree": spearman(surrogate.predict(problem, cells).mean, accuracy),
    }


@torch.inference_mode()
def sampled(inference: Inference, problem: Any, texts: list[str], seed: int) -> NDArray[np.float64]:
    """Medians of 64 samples of each text, decoded without any sharing."""
    model, tokenizer = inference.model, inference.tokenizer
    words = tokenizer([*texts, problem.metric, problem.context], CANDIDATE_WORDS)
    pieces = torch.from_numpy(words.pieces)
    embedded = model.words(pieces)
    index = torch.from_numpy(np.pad(words.index, ((0, 0), (0, CONTEXT_WORDS - words.index.shape[1]))))
    contexts = model.encode(pieces, index[-1:].expand(len(texts), -1))
    memory = copied(model.read_candidates(embedded, index[: len(texts), :CANDIDATE_WORDS], contexts), SAMPLES)
    metric = model.embed_metrics(embedded, index[-2:-1, : len(problem.metric.split())])
    x = metric.expand(len(texts) * SAMPLES, 1, -1)
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.empty(len(x), 0, dtype=torch.long)
    for position in range(LENGTH):
        causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
        states, _ = model.write(x, causal, memory)
        drawn = torch.multinomial(model.logits(states[:, -1], position).softmax(-1), 1, generator=generator)
        tokens = torch.cat([tokens, drawn + int(FIRST[position])], dim=1)
        x = torch.cat([x, model.tokens(tokens[:, -1:])], dim=1)
    return np.nanmedian(decode(tokens.numpy()).reshape(len(texts), SAMPLES), axis=1)


def copied(memory: Memory, times: int) -> Memory:
    """A memory repeated for every sample."""
    layers = [KeysValues(*(part.repeat_interleave(times, dim=0) for part in layer)) for layer in memory.layers]
    return Memory(layers, memory.mask.repeat_interleave(times, dim=0))


def agreement(surrogate: RLMSurrogate, texts: list[str]) -> dict[str, Any]:
    """Rankings and values under repetition, shuffling, another process and other batch sizes."""
    problem = nas_bench_101.problem()
    part = texts[:200]
    whole = surrogate.predict(problem, part).mean
    alone = np.concatenate([surrogate.predict(problem, [text]).mean for text in part])
    rng = np.random.default_rng(0)
    digests = {digest(surrogate, list(rng.permutation(part))) for _ in range(100)}
    code = (
        "import sys; from prerank.surrogate import RLMSurrogate; sys.path.insert(0, sys.argv[1]); import inference;"
        "surrogate = RLMSurrogate.load(sys.argv[2] or None, backend='torch');"
        "print(inference.digest(surrogate, sys.stdin.read().split(chr(10))))"
    )
    origin = surrogate._source.origin  # pyright: ignore[reportPrivateUsage]
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(origin)]
    other = subprocess.run(command, input="\n".join(part), capture_output=True, text=True, check=True).stdout.strip()
    return {
        "distinct rankings in 100 shuffled runs": len(digests),
        "same ranking in another process": other in digests,
        "largest change of a mean by batch size": float(np.abs(whole - alone).max()),
        "largest change of a probability by the cache": cache_error(surrogate, part, whole),
    }


@torch.inference_mode()
def cache_error(surrogate: RLMSurrogate, texts: list[str], values: NDArray[np.float64]) -> float:
    """Probabilities of numbers' tokens, written one by one onto a cache, against all at once without one."""
    inference = surrogate._inference  # pyright: ignore[reportPrivateUsage]
    model, problem = inference.model, nas_bench_101.problem()
    words = inference.tokenizer([*texts, problem.metric, problem.context], CANDIDATE_WORDS)
    pieces, index = torch.from_numpy(words.pieces), torch.from_numpy(words.index)
    embedded = model.words(pieces)
    memory = model.read_candidates(embedded, index[: len(texts)], model.encode(pieces, index[-1:]))
    metric = model.embed_metrics(embedded, index[-2:-1, : len(problem.metric.split())]).expand(len(texts), 1, -1)
    tokens = torch.from_numpy(encode(values))
    whole = model(metric, tokens[:, None], memory)
    inputs, past, error = torch.cat([metric, model.tokens(tokens[:, :-1])], dim=1), None, 0.0
    for position in range(LENGTH):
        seen = torch.ones(1, position + 1, dtype=torch.bool)
        states, past = model.write(inputs[:, position : position + 1], seen, memory, past)
        change = model.logits(states[:, 0], position).softmax(-1) - whole[position].softmax(-1)
        error = max(error, float(change.abs().max()))
    return error


def digest(surrogate: RLMSurrogate, texts: list[str]) -> str:
    """Fingerprint of a ranking."""
    ranked = rank(surrogate, nas_bench_101.problem(), texts, str)
    return hashlib.sha256("\n".join(entry.candidate for entry in ranked).encode()).hexdigest()


def memory() -> float:
    """Peak resident memory of a fresh process that loads the checkpoint and ranks many candidates, MB."""
    # A small launcher forks the child: its own peak would otherwise start at ours.
    command = [sys.executable, __file__, "--memory-child", str(MANY)]
    launcher = f"import subprocess, resource; subprocess.run({command!r}, check=True)\n"
    launcher += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    done = subprocess.run([sys.executable, "-c", launcher], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def memory_child(count: int) -> None:
    """Load and rank; what the memory is measured of."""
    cells = nas_bench_101.sample(np.random.default_rng(1), count)
    ranked = rank(RLMSurrogate.load(), nas_bench_101.problem(), cells, nas_bench_101.to_text)
    print(len(ranked), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)


def median_seconds(call: Callable[[int], object], salt: int, rounds: int = ROUNDS) -> float:
    """Median time of a call over rounds, each with a salt of its own."""
    times: list[float] = []
    for number in range(rounds):
        start = time.perf_counter()
        call(salt + number)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


if __name__ == "__main__":
    main()
