"""Parameters of an NNI search space: drawn, mutated, suggested by TPE and written.

All of NNI's types: choice, nested choice, randint, and (q)uniform, (q)loguniform, (q)normal, (q)lognormal. Inside, a
point is in NNI's internal format: key (path of names and of numbers of nested choices) -> number of the choice, or
number before rounding, its logarithm where the type says log.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast

import numpy as np
from nni.algorithms.hpo import random_tuner, tpe_tuner
from nni.algorithms.hpo.tpe_tuner import Record, TpeArguments
from nni.common.hpo_utils import ParameterSpec, deformat_parameters, format_parameters, format_search_space
from nni.common.hpo_utils.validation import common_search_space_types

from ..surrogate.assignments import alike, words

Key = tuple[Any, ...]
Point = dict[Key, Any]
Parameters = dict[str, Any]
_STEP = 0.1  # of a number's range: how far a mutation moves it
_VALUES = {
    "randint": "[low, high], whole numbers, low < high",
    "uniform": "[low, high], low < high",
    "loguniform": "[low, high], 0 < low < high",
    "quniform": "[low, high, q], low < high, 0 < q",
    "qloguniform": "[low, high, q], 0 < low < high, 0 < q",
    **dict.fromkeys(("normal", "lognormal"), "[mu, sigma], 0 < sigma"),
    **dict.fromkeys(("qnormal", "qlognormal"), "[mu, sigma, q], 0 < sigma, 0 < q"),
}
"""What the types of numbers take as their ``_value``."""


class ParameterSpace:
    """The parameters that a tuner searches.

    Args:
        search_space: Name -> ``_type`` and ``_value``, as in an experiment's configuration.

    Raises:
        ValueError: If there is no parameter, or one has an unknown type, a range that is none, or no value to take.
    """

    def __init__(self, search_space: Mapping[str, Any]) -> None:
        _check_types(search_space)
        for name, given in search_space.items():
            _check_draw(name, given)
        self._specs = cast(dict[Key, ParameterSpec], format_search_space(dict(search_space)))
        choices = [spec for spec in self._specs.values() if spec.type == "choice"]
        self._alike = {spec.key for spec in choices if alike(map(_branch, spec.values))}

    @property
    def names(self) -> list[str]:
        """Names of the parameters; of those inside a choice, after its name and a point."""
        return list(dict.fromkeys(_name(key) for key in self._specs))

    def draw(self, rng: np.random.Generator) -> Point:
        """A point of the prior distributions."""
        return self._point(lambda spec: _drawn(rng, spec))

    def every(self, most: int) -> list[Point]:
        """All points; none where there are more than so many."""
        points: list[Point] = [{}]
        for key, spec in self._specs.items():
            active = sum(_active(spec, point) for point in points)
            if not spec.categorical or active * spec.size + len(points) - active > most:
                return []
            values: list[Point] = [{key: value} for value in range(spec.size)]
            points = [point | value for point in points for value in (values if _active(spec, point) else [{}])]
        return points

    def mutate(self, rng: np.random.Generator, parent: Point) -> Point:
        """The parent with two or more parameters drawn anew or, where they are numbers, moved a little."""
        keys = list(parent)
        count = min(len(keys), 1 + int(rng.geometric(0.5)))
        places: list[int] = rng.permutation(len(keys))[:count].tolist()
        changed = {keys[place] for place in places}

        def value(spec: ParameterSpec) -> Any:
            if spec.key not in parent or (spec.key in changed and (spec.categorical or rng.random() < 0.5)):
                return _drawn(rng, spec)
            return _moved(rng, spec, parent[spec.key]) if spec.key in changed else parent[spec.key]

        return self._point(value)

    def suggest(self, rng: np.random.Generator, losses: Iterable[tuple[Point, float]]) -> Point:
        """What NNI's tree-structured Parzen estimator suggests after some trials, less loss being better."""
        records: defaultdict[Key, list[Record]] = defaultdict(list)
        for point, loss in losses:
            for key, number in point.items():
                records[key].append(Record(number, loss))

        def value(spec: ParameterSpec) -> Any:
            return cast(Any, tpe_tuner.suggest_parameter(TpeArguments(), rng, spec, records[spec.key]))

        return self._point(value)

    def parameters(self, point: Point) -> Parameters:
        """What a trial gets."""
        return deformat_parameters(cast(Any, point), cast(Any, self._specs))

    def point(self, parameters: Mapping[str, Any]) -> Point | None:
        """The point of some parameters; None if they are not of this space, or there is one too many."""
        try:
            point = self._point(lambda spec: _read(spec, parameters))
        except (KeyError, ValueError, TypeError, OverflowError):
            return None
        within = all(_contains(self._specs[key], value) for key, value in point.items())
        return point if within and _same_names(parameters, self.parameters(point)) else None

    def text(self, point: Point) -> str:
        """``name=value`` of each parameter."""
        return " ".join(word for key, value in point.items() for word in self._words(self._specs[key], value))

    def _point(self, value: Callable[[ParameterSpec], Any]) -> Point:
        """A value for each parameter that the choices before it make active."""
        point: Point = {}
        for key, spec in self._specs.items():
            if _active(spec, point):
                chosen = value(spec)
                point[key] = int(chosen) if spec.categorical else float(chosen)
        return point

    def _words(self, spec: ParameterSpec, value: Any) -> Iterable[str]:
        shown: Any = self.parameters({spec.key: value})
        for name in spec.key:
            shown = shown[name] if isinstance(name, str) else shown
        if spec.categorical:
            return words(_name(spec.key), _branch(shown), exact=spec.key in self._alike)
        span = None if spec.log_distributed else _span(spec)
        return words(_name(spec.key), float(shown), span, log=spec.log_distributed)


def _check_draw(name: str, given: Any) -> None:
    """See that NNI reads a parameter, and can draw from it, whose errors name none."""
    try:
        specs = cast(dict[Key, ParameterSpec], format_search_space({name: given}))
        for spec in specs.values():
            number = _drawn(np.random.default_rng(0), spec)
            if not spec.is_nested():
                deformat_parameters(cast(Any, {spec.key: number}), cast(Any, {spec.key: spec}))
    except Exception as error:
        said = f"parameter {name!r} is {given!r}, from which nothing can be drawn ({error!r})"
        kind = cast("Mapping[str, Any]", given)["_type"]
        raise ValueError(f"{said}; give {_VALUES.get(kind, 'choices that NNI takes')}") from error


def _check_types(search_space: Mapping[str, Any]) -> None:
    """Every parameter has a known type, also those inside choices."""
    if not search_space:
        raise ValueError("the search space has no parameters; give at least one")
    for name, given in search_space.items():
        if name == "_name":
            continue
        known = isinstance(given, Mapping) and given.get("_type") in common_search_space_types  # pyright: ignore[reportUnknownMemberType]
        if not known or "_value" not in given:
            types = ", ".join(cast(Collection[str], common_search_space_types))
            raise ValueError(f"parameter {name!r} is {given!r}; give a _type ({types}) and a _value")
        values: Any = cast(Mapping[str, Any], given)["_value"]
        if not isinstance(values, (list, tuple)) or not values:
            raise ValueError(f"parameter {name!r} is {given!r}; its _value must be a list of one thing or more")
        for value in cast("list[Any]", values):
            nested: Mapping[str, Any] = value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
            if "_name" in nested and len(nested) > 1:
                _check_types(nested)


def _branch(choice: Any) -> Any:
    """The name of a choice within which there are others; any other choice itself."""
    return choice["_name"] if isinstance(choice, Mapping) and "_name" in choice else choice  # pyright: ignore[reportUnknownVariableType]


def _active(spec: ParameterSpec, point: Point) -> bool:
    """Whether a point that has the parameters before it has this one."""
    return not spec.is_nested() or point.get(spec.key[:-2]) == spec.key[-2]


def _name(key: Key) -> str:
    return ".".join(part for part in key if isinstance(part, str))


def _span(spec: ParameterSpec) -> float:
    """Width of a number's range, of a normal one the standard deviation."""
    return spec.sigma if spec.normal_distributed else spec.high - spec.low


def _drawn(rng: np.random.Generator, spec: ParameterSpec) -> Any:
    """A value of the parameter's distribution."""
    return random_tuner.suggest_parameter(rng, spec)


def _read(spec: ParameterSpec, parameters: Mapping[str, Any]) -> Any:
    """A parameter in the internal format; what was rounded to zero has no logarithm and stands for a quarter of a step.

    Raises:
        LookupError: If it is missing.
        ValueError: If it is no choice of the parameter, or no whole number where one is drawn.
    """
    names = tuple(part for part in spec.key if isinstance(part, str))
    value: Any = parameters
    for name in names:
        value = value[name]
    if spec.log_distributed and spec.q is not None and value == 0:
        return math.log(spec.q / 4)
    if spec.type == "randint" and value != int(value):  # NNI would cut it off
        raise ValueError(f"{names} is {value!r}, no whole number")
    if spec.type == "choice":  # NNI finds the first equal one, 1 where True is meant
        exact = [place for place, own in enumerate(spec.values) if type(own) is type(value) and own == value]
        if exact:
            return exact[0]
    flat = spec._replace(key=names)  # NNI fails on a choice within a choice that was not taken
    return next(iter(format_parameters(dict(parameters), cast(Any, {names: flat})).values()))


def _same_names(one: Any, other: Any) -> bool:
    """Whether two trials have the same parameters, also within their choices."""
    if not isinstance(other, Mapping):
        return True
    mine, theirs = cast(Mapping[str, Any], one), cast(Mapping[str, Any], other)
    return mine.keys() == theirs.keys() and all(_same_names(mine[name], theirs[name]) for name in theirs)


def _moved(rng: np.random.Generator, spec: ParameterSpec, value: float) -> float:
    """A number a step away, within its range."""
    moved = value + rng.normal(0, max(_STEP * _span(spec), 0.5 * _least_step(spec)))
    return moved if spec.normal_distributed else float(np.clip(moved, spec.low, spec.high))


def _least_step(spec: ParameterSpec) -> float:
    """The step of a rounded number; 0 of others, and of logarithms, whose steps differ."""
    return 0.0 if spec.q is None or spec.log_distributed else spec.q


def _contains(spec: ParameterSpec, value: Any) -> bool:
    if spec.categorical:
        return 0 <= value < spec.size
    return np.isfinite(value) and (spec.normal_distributed or spec.low - 1e-9 <= value <= spec.high + 1e-9)
