"""RLMSampler, as OptunaHub loads it; the sampler and its weights are in the package prerank."""

try:
    from prerank.integrations.optuna import RLMSampler
except ImportError as error:
    raise ImportError("this sampler is in the package prerank: pip install 'prerank[optuna]'") from error

__all__ = ["RLMSampler"]
