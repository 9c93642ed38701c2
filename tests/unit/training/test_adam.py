import copy

import torch
from torch import nn

from vae_geometry.training.adam import Adam


def trained(network, optimizer, n_steps, seed):
    """Move ``network`` by some steps, without a gradient for its last layer in the first half of them."""
    draw = torch.Generator().manual_seed(seed)
    for step in range(n_steps):
        hidden = network[0](torch.randn(8, 3, 4, 4, generator=draw)).relu()
        loss = hidden.square().sum() if step < n_steps // 2 else network[1](hidden.mean((2, 3))).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def same(network, other):
    return all(torch.equal(a, b) for a, b in zip(network.parameters(), other.parameters(), strict=True))


def test_steps_are_those_of_torch_to_the_byte_and_its_state_can_be_resumed():
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Linear(5, 2)).to(memory_format=torch.channels_last)
    theirs, resumed = copy.deepcopy(network), copy.deepcopy(network)
    optimizer = torch.optim.Adam(theirs.parameters(), lr=1e-2, weight_decay=1e-1, fused=True)
    ours = Adam(network.parameters(), learning_rate=1e-2, weight_decay=1e-1)
    trained(theirs, optimizer, 10, seed=0)
    trained(network, ours, 10, seed=0)
    assert same(network, theirs)

    resumed.load_state_dict(theirs.state_dict())
    again = Adam(resumed.parameters(), learning_rate=1e-2, weight_decay=1e-1)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    trained(theirs, optimizer, 3, seed=1)
    trained(resumed, again, 3, seed=1)
    assert same(resumed, theirs)
    assert not same(network, theirs)
