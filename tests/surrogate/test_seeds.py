from __future__ import annotations

import torch

from prerank.surrogate.seeds import seeded


def test_the_same_seed_draws_the_same_and_the_user_draws_on() -> None:
    torch.manual_seed(5)
    alone = torch.rand(4)
    torch.manual_seed(5)
    first = torch.rand(2)
    with seeded(3, torch.device("cpu")):
        one = torch.rand(3)
    with seeded(3, torch.device("cpu")):
        same = torch.rand(3)
    assert torch.equal(one, same)
    assert torch.equal(torch.cat([first, torch.rand(2)]), alone)
    assert not torch.cuda.is_initialized()
