"""The network and its optimiser."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from casava_os.forge.net import Net, Shape, optimisers, orthogonalise, rotate

SMALL = Shape(vocabulary=400, width=64, layers=2, heads=2, hidden=96)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(1)
    torch.set_num_threads(1)


def test_a_token_of_the_plan_never_sees_what_follows() -> None:
    net = Net(SMALL)
    ids, prompts = torch.randint(0, 400, (2, 12)), torch.tensor([3, 5])
    other = ids.clone()
    other[:, 8:] = torch.randint(0, 400, (2, 4))
    before, after = net(ids, prompts), net(other, prompts)
    assert torch.allclose(before[:, :8], after[:, :8], atol=1e-5)
    assert not torch.allclose(before[:, 8:], after[:, 8:], atol=1e-2)


@pytest.mark.parametrize("prefix", [True, False])
def test_the_tokens_of_a_prompt_see_each_other_in_both_directions(*, prefix: bool) -> None:
    net = Net(replace(SMALL, prefix=prefix))
    ids, prompts = torch.randint(0, 400, (2, 12)), torch.tensor([5, 3])
    other = ids.clone()
    other[:, 4] = (
        ids[:, 4] + 1
    ) % 400  # the last of the first row's prompt, and a token of the second row's plan
    before, after = net(ids, prompts)[:, :4], net(other, prompts)[:, :4]
    assert torch.allclose(before[0], after[0], atol=1e-5) != prefix
    assert torch.allclose(before[1], after[1], atol=1e-5)


def test_dropout_is_for_training_alone() -> None:
    net = Net(SMALL, dropout=0.3)
    ids, prompts = torch.randint(0, 400, (2, 12)), torch.tensor([3, 5])
    assert not torch.allclose(net(ids, prompts), net(ids, prompts))
    net.eval()
    assert torch.equal(net(ids, prompts), net(ids, prompts))


def test_attention_depends_on_distance_only() -> None:
    x, y = torch.randn(2, 1, 1, 16, 32)
    angles = torch.arange(16)[:, None] * 1000.0 ** (-torch.arange(16) / 16)
    q, k = (
        rotate(v.expand(1, 1, 16, 32)[:, :, :1].expand(1, 1, 16, 32), angles.cos(), angles.sin())
        for v in (x, y)
    )
    scores = (q @ k.transpose(-1, -2))[0, 0]
    for distance in range(1, 8):
        diagonal = torch.diagonal(scores, -distance)
        assert torch.allclose(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-3)


def test_the_loss_over_the_batch_vocabulary_is_cross_entropy_over_it() -> None:
    net = Net(SMALL)
    ids = torch.randint(0, 400, (5, 20))
    weights = torch.zeros(5, 20)
    weights[:, 12:] = 1
    weights[2:, 15] = 2
    known = torch.cat((torch.arange(50), ids.flatten())).unique()
    outside = torch.full((400,), -1e9)
    outside[known] = 0
    wanted = weights[:, 1:] > 0
    prompts = torch.full((5,), 12)
    each = cross_entropy((net(ids, prompts)[:, :-1] + outside)[wanted], ids[:, 1:][wanted], reduction="none")
    expected = (each * weights[:, 1:][wanted]).sum() / weights[:, 1:][wanted].sum()
    assert torch.allclose(net.loss(ids, weights, 50), expected, atol=1e-4)


def test_newton_schulz_brings_singular_values_near_one() -> None:
    values = torch.linalg.svdvals(orthogonalise(torch.randn(3, 64, 96)).float())
    assert values.min() > 0.4
    assert values.max() < 1.4


def test_a_few_steps_learn_to_repeat() -> None:
    net = Net(SMALL)
    matrices, others = optimisers(net, 0.02, 5e-3)
    losses = []
    for _ in range(60):
        half = torch.randint(60, 80, (16, 6))
        ids = torch.cat((half, torch.zeros(16, 1, dtype=torch.long), half), 1)
        weights = torch.zeros(ids.shape)
        weights[:, 7:] = 1
        loss = net.loss(ids, weights, 50)
        loss.backward()
        for optimiser in (matrices, others):
            optimiser.step()
            optimiser.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
