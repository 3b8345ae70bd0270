"""What the samplers search: spaces with branches, where what is chosen decides which parameters there are.

Shapes of trainings, and real trainings on small data sets that come with scikit-learn: errors of a support vector
machine on digits, and of one of six regressors on the progress of diabetes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Trial
from optuna_tasks import Task

Floats = NDArray[np.float64]
_TRAINED = {"digits": 250, "diabetes": 220}  # rows that are trained on; the others are asked
_SPREAD, _MEAN = 77.0, 152.0  # of the progress of diabetes
_MOST = 1e3  # error of a regression that fails


def branches() -> list[Task]:
    """Named by the number of their parameters; where nobody knows the best, the regret is the error."""
    return [
        Task("conditions 9", conditions, 0.05),
        Task("optimiser 11", optimiser, float(1 - np.exp(-0.02))),
        Task("blocks 12", blocks, 0),
        Task("support vectors 5", support_vectors, 0),
        Task("regressors 18", regressors, 0),
    ]


def conditions(trial: Trial) -> float:
    """Three models, each with parameters of its own."""
    model = trial.suggest_categorical("model", ["svm", "forest", "mlp"])
    if model == "svm":
        c, gamma = trial.suggest_float("c", 1e-4, 1e4, log=True), trial.suggest_float("gamma", 1e-5, 10, log=True)
        return float(0.15 + 0.1 * (np.log10(c) - 1) ** 2 + 0.1 * (np.log10(gamma) + 2) ** 2)
    if model == "forest":
        trees, share = trial.suggest_int("trees", 2, 64), trial.suggest_float("share", 0.05, 1)
        return 0.2 + 0.001 * abs(trees - 40) + 0.05 * (share - 0.4) ** 2
    rate, layers = np.log10(trial.suggest_float("rate", 1e-6, 1, log=True)), trial.suggest_int("layers", 1, 8)
    return float(0.05 + 0.2 * (rate + 2.5) ** 2 + 0.02 * (layers - 3) ** 2 + 0.1 * trial.suggest_float("drop", 0, 0.8))


def optimiser(trial: Trial) -> float:
    """Shaped like the error of a training: optimisers and schedules with numbers of their own."""
    name = trial.suggest_categorical("optimiser", ["sgd", "adam", "lion"])
    rate = np.log10(trial.suggest_float("rate", 1e-6, 1, log=True))
    away = 0.03 * (np.log10(trial.suggest_float("decay", 1e-6, 1, log=True)) + 2) ** 2 + _schedule(trial)
    if name == "sgd":
        slow = np.log10(1.001 - trial.suggest_float("momentum", 0, 0.999))
        away += 0.15 + 0.2 * (rate + 1 - slow) ** 2 + 0.03 * trial.suggest_categorical("plain", [True, False])
    elif name == "adam":
        first, second = trial.suggest_float("beta1", 0.5, 0.999), trial.suggest_float("beta2", 0.9, 0.9999)
        away += 0.05 + 0.25 * (rate + 3) ** 2 + 3 * (first - 0.9) ** 2 + 10 * (second - 0.98) ** 2
    else:
        away += 0.02 + 0.5 * (rate + 4.2) ** 2 + 5 * (trial.suggest_float("beta", 0.5, 0.999) - 0.95) ** 2
    return float(1 - np.exp(-away))


def _schedule(trial: Trial) -> float:
    schedule = trial.suggest_categorical("schedule", ["constant", "cosine", "step"])
    if schedule == "cosine":
        return 3 * (trial.suggest_float("warmup", 0, 0.5) - 0.07) ** 2
    return 0.04 + 0.02 * (trial.suggest_int("every", 1, 50) / 10 - 2) ** 2 if schedule == "step" else 0.1


def blocks(trial: Trial) -> float:
    """Shaped like the error of a network: one to five blocks, each with a width and a kernel, of which all cost."""
    count, work, strength, before = trial.suggest_int("blocks", 1, 5), 0.0, 0.0, 3
    for place in range(count):
        width = trial.suggest_int(f"width{place}", 8, 256, log=True)
        kernel = trial.suggest_categorical(f"kernel{place}", [1, 3, 5])
        work, before = work + before * width * kernel**2, width
        strength += np.log2(width) * {1: 0.75, 3: 1.25, 5: 1.6}[kernel] * 0.8**place
    rate = np.log10(trial.suggest_float("rate", 1e-5, 1, log=True)) + 2.5 + 0.15 * count
    large = max(np.log10(work) - 4.5, 0)
    return float(1 - np.exp(-0.3 * (12 / strength) ** 2 - 0.1 * rate**2 - 0.15 * large**2))


def support_vectors(trial: Trial) -> float:
    """Errors on digits; most kernels have parameters of their own."""
    from sklearn.svm import SVC

    kernel = trial.suggest_categorical("kernel", ["rbf", "poly", "sigmoid", "linear"])
    chosen: dict[str, Any] = {"kernel": kernel, "C": trial.suggest_float("C", 1e-3, 1e3, log=True)}
    if kernel != "linear":
        chosen["gamma"] = trial.suggest_float("gamma", 1e-6, 10, log=True)
    if kernel in ("poly", "sigmoid"):
        chosen["coef0"] = trial.suggest_float("coef0", -1, 1)
    if kernel == "poly":
        chosen["degree"] = trial.suggest_int("degree", 1, 6)
    (x, y), asked = _split("digits")
    return 1 - float(SVC(**chosen).fit(x, y).score(*asked))


def regressors(trial: Trial) -> float:
    """Squared errors, in units of the variance, of the progress of diabetes."""
    (x, y), (asked, truth) = _split("diabetes")
    return min(float(((_regressor(trial).fit(x, y).predict(asked) - truth) ** 2).mean()), _MOST)


def _regressor(trial: Trial) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.linear_model import ElasticNet, Ridge
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.svm import SVR

    def log(name: str, low: float, high: float) -> Any:  # scikit-learn takes more than its annotations say
        return trial.suggest_float(name, low, high, log=True)

    model = trial.suggest_categorical("model", ["svr", "ridge", "net", "trees", "neighbours", "kernel"])
    if model == "svr":
        return SVR(C=log("c", 1e-3, 1e3), gamma=log("svr_gamma", 1e-4, 10), epsilon=log("epsilon", 1e-3, 1))
    if model == "ridge":
        return Ridge(log("ridge_alpha", 1e-4, 1e4))
    if model == "net":
        return ElasticNet(log("net_alpha", 1e-4, 10), l1_ratio=trial.suggest_float("l1", 0, 1))
    if model == "trees":
        trees, depth = trial.suggest_int("trees", 5, 60), trial.suggest_int("depth", 1, 16)
        leaf, share = trial.suggest_int("leaf", 1, 30), trial.suggest_float("share", 0.1, 1)
        return ExtraTreesRegressor(trees, max_depth=depth, min_samples_leaf=leaf, max_features=share, random_state=0)
    if model == "neighbours":
        weights = trial.suggest_categorical("weights", ["uniform", "distance"])
        return KNeighborsRegressor(trial.suggest_int("k", 1, 60), weights=weights, p=trial.suggest_int("p", 1, 2))
    return _kernel_ridge(trial)


def _kernel_ridge(trial: Trial) -> Any:
    from sklearn.kernel_ridge import KernelRidge

    kernel = trial.suggest_categorical("kernel", ["rbf", "laplacian", "polynomial"])
    alpha, gamma = (trial.suggest_float(name, 1e-4, high, log=True) for name, high in (("alpha", 1e3), ("gamma", 10)))
    degree = trial.suggest_int("degree", 1, 4) if kernel == "polynomial" else 3
    chosen: dict[str, Any] = {"alpha": alpha, "kernel": kernel, "gamma": gamma, "degree": degree}
    return KernelRidge(**chosen)


@lru_cache
def _split(name: str) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Inputs and outputs that are trained on, and those that are asked."""
    from sklearn import datasets

    found: Any = datasets.load_digits() if name == "digits" else datasets.load_diabetes()
    x, y = (found.data / 16, found.target) if name == "digits" else (found.data * 20, (found.target - _MEAN) / _SPREAD)
    order = np.random.default_rng(0).permutation(len(y))
    train, asked = order[: _TRAINED[name]], order[_TRAINED[name] :]
    return (x[train], y[train]), (x[asked], y[asked])
