"""The surrogate that hosts talk to: load, predict, observe, fit, save.

torch and transformers are imported when the weights are first needed, not before.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import belief, checkpoint
from .adaptations import Adaptations
from .atomic import write_whole
from .backends import Backend, check, usual
from .knowledge import Knowledge
from .observations import Observations, by_text
from .prediction import Prediction, concatenate
from .problem import Problem, Question, as_problem
from .source import Source

if TYPE_CHECKING:
    from .adaptation import Adaptation
    from .borrowed import Borrowed
    from .inference import Inference
    from .table import Row
    from .training import Training
    from .transfer import Transfer

Floats = NDArray[np.float64]
PACKAGED = Path(__file__).parent / "weights"
_OBSERVATIONS = "observations.json"
_PART = 2048  # texts adapted together; what the model makes of one is some thousand numbers


class RLMSurrogate:
    """A regression language model that predicts metrics of candidates from their texts.

    Example::

        surrogate = RLMSurrogate.load()
        problem = nas_bench_101.problem(metric="val_accuracy")
        prediction = surrogate.predict(problem, ["input conv3x3<0 output<1"])
        print(prediction.mean, prediction.std)
        surrogate.observe(problem, ["input conv3x3<0 output<1"], [0.91])

    Build one with `load` or `untrained`.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._observations = Observations()
        self._adaptations = Adaptations(source)
        self._changing = RLock()
        self.provenance: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<RLMSurrogate {self._source}, {len(self._observations)} observations>"

    @classmethod
    def load(
        cls, path: str | Path | None = None, *, device: str = "cpu", backend: Backend | None = None
    ) -> RLMSurrogate:
        """Open a checkpoint; its weights are read, and its golden outputs verified, at the first prediction.

        Args:
            path: Folder written by `save`; None is the packaged checkpoint.
            device: Where the model shall run, as torch names it; whether it can is seen at the first prediction.
            backend: What predicts. ``"onnxruntime"`` starts without torch and runs on one thread of the CPU; the first
                time that a checkpoint runs there, torch and onnx are needed to write its graphs beside its weights.
                ``"torch"`` uses more threads, or another device. None: onnxruntime on the CPU where it is installed
                and the graphs are written, as those of the packaged weights are. `fit` and `save` use torch with all.

        Raises:
            FileNotFoundError: If there is no checkpoint.
            ModuleNotFoundError: If the backend is not installed.
            PermissionError: If its graphs are still to be written and cannot be.
            ValueError: If it is not one that this version reads, does not run on the backend or device, or (at the
                first prediction) if it is damaged.
        """
        folder = Path(path) if path is not None else PACKAGED
        description = checkpoint.describe(folder)
        if backend is None:
            backend = usual(folder, description, device)
        else:
            check(folder, description, device, backend)
        surrogate = cls(Source(folder.resolve(), device, backend))
        surrogate.provenance = description["provenance"]
        surrogate._observations = Observations.read(folder / _OBSERVATIONS)
        return surrogate

    @classmethod
    def untrained(
        cls,
        texts: Iterable[str],
        *,
        vocabulary: int = 512,
        width: int = 128,
        heads: int = 4,
        encoder_layers: int = 2,
        reader_layers: int = 4,
        writer_layers: int = 2,
        encoder: str | Path | None = None,
        frozen: bool = True,
        seed: int = 0,
        device: str = "cpu",
    ) -> RLMSurrogate:
        """A model with random weights, for `fit`.

        Args:
            texts: What its pieces are learnt from: contexts, metrics and candidates.
            vocabulary: Most pieces of words.
            width: Width of the model, a multiple of twice the heads.
            heads: Attention heads.
            encoder_layers: Layers that read the context.
            reader_layers: Layers that read a candidate.
            writer_layers: Layers that write the number.
            encoder: Folder or hub name of a T5Gemma or T5Gemma-2 model, whose encoder and tokenizer then read the
                context; None: a small encoder with random weights. It must stay where it is for `load`.
            frozen: Leave the weights of that encoder as they are.
            seed: Seed of the weights.
            device: Where the model shall run.

        Raises:
            ValueError: If a size is less than 1, or the width no multiple of twice the heads.
        """
        import torch

        from .encoder import PretrainedEncoder
        from .inference import Inference
        from .model import RLM
        from .seeds import seeded
        from .tokenizer import Tokenizer
        from .torch_network import TorchNetwork

        tokenizer = Tokenizer.train(texts, vocabulary)
        with seeded(seed, torch.device("cpu")):
            shape = (tokenizer.vocabulary, width, heads, encoder_layers, reader_layers, writer_layers)
            pretrained = PretrainedEncoder(encoder, width, frozen) if encoder else None
            model = RLM(*shape, soft_cap=None, encoder=pretrained).float()
        return cls(Source(Inference(TorchNetwork(model.to(device)), tokenizer, Knowledge()), device))

    def predict(self, problem: Question, texts: Sequence[str]) -> Prediction:
        """Distribution of the problem's metric for each text, in the order of the texts, in one batch.

        What was observed of the same family of problems is taken into account (`Problem.family`). Texts that are asked
        again after that are not read again; which others were read with them moves answers by less than a millionth.

        Raises:
            ValueError: If texts is a single string, or one of them is not a string.
        """
        problem, texts = as_problem(problem), _checked(texts)
        adaptation = self._adaptation(problem)
        if adaptation is None:
            return self._inference.predict(problem, texts)
        error = 0.0 if self._observations.measured(problem) else belief.error(self._knowledge, problem)
        parts = [texts[start : start + _PART] for start in range(0, len(texts), _PART)] or [texts]
        return concatenate([adaptation(*self._adaptations.read(problem, part), error) for part in parts])

    def trust(self, problem: Question) -> float:
        """How far predictions on a problem deserve belief after what was observed: `Prediction.trust` without a text.

        Without observations no weights are needed.
        """
        problem = as_problem(problem)
        adaptation, before = self._adaptation(problem), belief.trust(self._knowledge, problem)
        return before if adaptation is None else float(adaptation.trust(np.array(before)))

    def observe(self, problem: Question, texts: Sequence[str], values: ArrayLike) -> None:
        """Learn from measurements; a text observed again takes its new value.

        One value moves the scale where it contradicts the model's; from the fifth on candidates are told apart by them.
        Of more than 2,000 of a family of problems (`Problem.family`) the latest count.

        Args:
            problem: What was measured.
            texts: The candidates.
            values: Their measured values in any unit, always the same one; nan or infinite: the candidate failed;
                masked ones were not measured.

        Raises:
            ValueError: If there is not one number for each text.
        """
        problem, measured = as_problem(problem), by_text(_checked(texts), values)
        with self._changing:
            self._observations.add(problem, measured)
            self._adaptations.outdate(problem)

    def forget(self, problem: Question, texts: Sequence[str]) -> None:
        """Unlearn what was observed of some candidates, so that they can be asked as if nobody had measured them."""
        problem, texts = as_problem(problem), _checked(texts)
        with self._changing:
            self._observations.remove(problem, texts)
            self._adaptations.forget(problem, texts)

    def fit(self, rows: Sequence[Row], training: Training | None = None, *, validation: Sequence[Row] = ()) -> None:
        """Train the weights on measured rows; the packaged checkpoint itself is never changed.

        What the model knew of spaces that the rows have not may suffer, which `trust` does not see: add rows of those
        that will be asked, too.

        Args:
            rows: Measured candidates of any number of contexts and metrics.
            training: The run: steps, batch, rates, folder to resume from. None: as many steps as read each row sixteen
                times.
            validation: Rows kept out, on which the best weights are chosen and the knowledge is rated. Empty: one in
                twenty of the rows is kept out, five at least of a context; where none has twenty, nothing is rated.

        Raises:
            ValueError: If there are no rows.
        """
        from .fitting import fit, held_out
        from .training import Training, usual_steps

        places = set[int]() if validation else held_out(rows)
        train = [row for place, row in enumerate(rows) if place not in places]
        kept = [row for place, row in enumerate(rows) if place in places]
        run = training or Training(usual_steps(len(train)), contexts=4)
        model = fit(copy.deepcopy(self._source.trainable), train, validation or kept, run)
        with self._changing:  # no adaptation may mix the old weights with the new ones
            self._source = self._source.holding(model)
            self.provenance = {"rows": len(train), "steps": run.steps, "before": self.provenance}
            self._adaptations = Adaptations(self._source)

    def fork(self) -> RLMSurrogate:
        """The same model with its own copy of the observations: what one learns, the other does not."""
        with self._changing:
            other = RLMSurrogate(self._source)
            other.provenance = self.provenance
            other._observations = self._observations.copy()
        return other

    def save(self, path: str | Path) -> None:
        """Write the model, then the observations, to a folder that `load` reads; each whole or an OSError."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)  # the model's answers, which are written too, take a minute
        checkpoint.save(folder, self._source.trainable, self.provenance)
        with self._changing:
            told = self._observations.to_json() if self._observations else None
        if told is not None:
            write_whole(folder / _OBSERVATIONS, told.encode())
        else:
            (folder / _OBSERVATIONS).unlink(missing_ok=True)

    @property
    def knowledge(self) -> dict[str, dict[str, float]]:
        """First context line -> metric -> validated rank correlation: what the model was trained on, and how well."""
        return self._knowledge.ranks

    @property
    def observed(self) -> list[Problem]:
        """The problems of which something was observed, each with the direction that was told last."""
        with self._changing:
            return self._observations.problems

    @property
    def fingerprint(self) -> str:
        """Equal for equal models with equal observations, in any process; a save and a load do not change it."""
        with self._changing:
            told = self._observations.digest
        return hashlib.sha256(f"{self._source.identity} {told}".encode()).hexdigest()[:16]

    @property
    def _knowledge(self) -> Knowledge:
        return self._source.knowledge

    @property
    def _inference(self) -> Inference:
        return self._source.inference

    def __getstate__(self) -> dict[str, Any]:
        """What the weights made of observations is not copied, nor the weights that lie in a folder."""
        kept = {name: own for name, own in vars(self).items() if name not in ("_changing", "_adaptations")}
        with self._changing:
            told = self._observations.copy()
        return kept | {"_observations": told}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._adaptations = Adaptations(self._source)
        self._changing = RLock()

    def _adaptation(self, problem: Problem) -> Adaptation | Borrowed | Transfer | None:
        with self._changing:
            return self._adaptations(problem, self._observations)


def _checked(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise ValueError(f"texts is the single string {texts[:60]!r}; give a list of texts")
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"text {number} is {text!r}, a {type(text).__name__}; to_text must return strings")
    return texts
