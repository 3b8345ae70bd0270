"""A Gaussian process on encoded parameters, which finds out how much each matters: automatic relevance determination.

Matern 5/2 with a length for each parameter (Rasmussen and Williams 2006), fitted to the evidence with a prior on the
lengths that grows with the number of parameters (Hvarfner et al. 2024).

Shapes: n observations, m candidates, D parameters, E features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

from .covariance import left_out, matern, squares

Floats = NDArray[np.float64]

_LENGTH_SPREAD, _SIZE_SPREAD = np.sqrt(3), 1.0  # of logarithms
_NOISE, _NOISE_SPREAD = -6.0, 2.0  # logarithm of the variance, and its spread
_BOUNDS = {"length": (np.log(5e-3), np.log(1e3)), "size": (np.log(0.05), np.log(20.0)), "noise": (np.log(1e-6), 0.0)}
_FLAG = {**_BOUNDS, "length": (np.log(0.1), np.log(1e3))}
_EXACT = {"length": (np.log(0.25), np.log(1e3)), "size": _BOUNDS["size"], "noise": (np.log(1e-6), np.log(1e-2))}
_STEPS = 50


class Hyperparameters:
    """Logarithms of the lengths (D,), of the variance explained and of the variance of the noise, in one vector."""

    def __init__(self, vector: Floats) -> None:
        self.vector = vector

    @classmethod
    def usual(cls, parameters: int) -> Hyperparameters:
        """Where the fit begins: half of the range of each parameter, times the root of their number."""
        return cls(np.array([np.log(0.5 * np.sqrt(parameters))] * parameters + [0.0, np.log(1e-2)]))

    @property
    def weights(self) -> Floats:
        """Inverse squared lengths, (D,)."""
        return np.exp(-2 * self.vector[:-2])

    @property
    def size(self) -> float:
        return float(np.exp(self.vector[-2]))

    @property
    def noise(self) -> float:
        return float(np.exp(self.vector[-1]))


def fitted(
    features: Floats,
    owners: NDArray[np.intp],
    y: Floats,
    start: Hyperparameters,
    breadth: float,
    *,
    flag: bool = False,
    exact: bool = False,
) -> tuple[Hyperparameters, float]:
    """Hyperparameters of most evidence given standardised observations, and the log evidence with their prior.

    Args:
        features: Features of what was observed, (n, E).
        owners: Parameter of each feature, (E,).
        y: What was observed, (n,).
        start: Where the search begins.
        breadth: Lengths that matter to one observation, on average.
        flag: Whether y has two values alone, which differ however near two observations at their border are: no length
            would be short enough.
        exact: Whether there is hardly any noise, nor any detail: what is rare in y would else be taken for either.
    """
    parameters = len(start.vector) - 2
    squares = np.zeros((parameters, len(y), len(y)))
    for column, owner in zip(features.T, owners.tolist(), strict=True):
        squares[owner] += (column[:, None] - column) ** 2
    within = _EXACT if exact else _FLAG if flag else _BOUNDS
    bounds = [within["length"]] * parameters + [within["size"], within["noise"]]
    inside = np.clip(start.vector, *np.transpose(bounds))
    flat = squares.reshape(parameters, -1)
    found = minimize(
        _loss, inside, (flat, y, breadth), "L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": _STEPS}
    )
    return Hyperparameters(found.x), -float(found.fun)


def _loss(vector: Floats, distances: Floats, y: Floats, breadth: float) -> tuple[float, Floats]:
    """Negative log evidence plus prior, and its gradient (Rasmussen and Williams 2006, equation 5.9)."""
    hyper, count = Hyperparameters(vector), len(y)
    root = np.sqrt(5 * (hyper.weights @ distances)).reshape(count, count)
    decay = np.exp(-root)
    kernel = hyper.size * (1 + root + root**2 / 3) * decay
    try:
        factor = cho_factor(kernel + (hyper.noise + 1e-9) * np.eye(count), lower=True)
    except np.linalg.LinAlgError:
        return 1e25, np.zeros_like(vector)
    alpha = cho_solve(factor, y)
    evidence = -y @ alpha / 2 - np.log(np.diag(factor[0])).sum()
    away = (np.outer(alpha, alpha) - cho_solve(factor, np.eye(count))) / 2
    slope = away * hyper.size * (-5 / 6) * (1 + root) * decay  # by the squared distance
    lengths = -2 * hyper.weights * (distances @ slope.ravel())
    gradient = np.array([*lengths, (away * kernel).sum(), hyper.noise * np.trace(away)])
    prior, prior_gradient = _prior(vector, breadth)
    return float(-evidence - prior), -gradient - prior_gradient


def _prior(vector: Floats, breadth: float) -> tuple[float, Floats]:
    """Log density of log-normal priors, but for constants, and its gradient."""
    parameters = len(vector) - 2
    length = np.sqrt(2) + np.log(breadth) / 2 - _LENGTH_SPREAD**2  # the mode, since the fit is by logarithms
    centre = np.array([length] * parameters + [0.0, _NOISE])
    spread = np.array([_LENGTH_SPREAD] * parameters + [_SIZE_SPREAD, _NOISE_SPREAD])
    away = (vector - centre) / spread
    return float(-(away**2).sum() / 2), -away / spread


class GaussianProcess:
    """A process conditioned on observations.

    Args:
        features: Features of what was observed, (n, E).
        owners: Parameter of each feature, (E,).
        y: What was observed, (n,).
        hyper: The hyperparameters.
        level: Variance of what is to be expected far from all that was observed, about 0.
    """

    def __init__(
        self, features: Floats, owners: NDArray[np.intp], y: Floats, hyper: Hyperparameters, level: float = 0.0
    ) -> None:
        self._hyper, self._owners, self._level, self.observed = hyper, owners, level, y
        self._lengths = np.sqrt(hyper.weights)[owners]
        self._scaled = features * self._lengths
        covariance = self._covariance(self._scaled) + (hyper.noise + 1e-8) * np.eye(len(features))
        self._factor = np.linalg.cholesky(covariance)
        self._solved = solve_triangular(self._factor, y, lower=True)

    def __call__(self, features: Floats) -> tuple[Floats, Floats]:
        """Means and standard deviations, without the noise, of candidates, (m,) each."""
        cross = self._covariance(features * self._lengths)
        half = solve_triangular(self._factor, cross.T, lower=True)  # (n, m)
        variance = self._hyper.size + self._level - (half**2).sum(axis=0)
        return half.T @ self._solved, np.sqrt(np.maximum(variance, 1e-12))

    @property
    def noise(self) -> float:
        """Standard deviation of what is observed about what is expected."""
        return float(np.sqrt(self._hyper.noise))

    def believing(self, features: Floats) -> GaussianProcess:
        """The process as if candidates under way would turn out as expected: they are no longer uncertain."""
        if not len(features):
            return self
        y = np.concatenate([self.observed, self(features)[0]])
        features = np.concatenate([self._scaled / self._lengths, features])
        return GaussianProcess(features, self._owners, y, self._hyper, self._level)

    @property
    def left_out(self) -> Floats:
        """What the others say of each observation, (n,)."""
        return left_out(cho_solve((self._factor, True), np.eye(len(self.observed))), self.observed)

    def _covariance(self, scaled: Floats) -> Floats:
        """Covariance of scaled features with the observed ones, (m, n)."""
        return self._level + self._hyper.size * matern(squares(scaled, self._scaled))
