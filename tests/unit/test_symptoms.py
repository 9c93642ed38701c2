"""What a monitor warns of, and what it does not."""

import numpy as np
import pytest
import torch
from torch import nn

import vae_geometry as vg
from vae_geometry.symptoms import symptoms


def dimensions(*courses, size=64, n_points=1000):
    """Rows of the ID of layers by epoch: a course each; a text is the reason of a null."""
    rows = []
    for epoch, values in enumerate(zip(*courses, strict=True)):
        for layer, value in enumerate(values):
            is_null = isinstance(value, str)
            columns = {"epoch": epoch, "layer": layer, "layer_name": f"layer{layer}", "extrinsic_dimension": size}
            measured = {"intrinsic_dimension": None if is_null else value, "reason": value if is_null else None}
            zero = None if is_null and "NaN" in value else 0
            rows.append({**columns, **measured, "n_points": n_points, "n_zero_distances": zero})
    return rows


def imbalances(*values, error=0.001):
    """Rows of II(layer1 -> layer0) by epoch, and of the way back."""
    names = {"source_name": "layer1", "target_name": "layer0", "ii_stderr": error}
    return [
        {**names, "epoch": epoch, "source_layer": source, "target_layer": 1 - source, "information_imbalance": value}
        for epoch, value in enumerate(values)
        for source in (0, 1)
    ]


RISING = (0.1, 0.11, 0.12, 0.13, 0.14)
FALLING = dict(enumerate((5.0, 4.0, 3.0, 2.5, 2.0)))


def test_a_wide_layer_whose_id_falls_below_two_may_have_collapsed():
    found = symptoms(dimensions((5.0, 1.5), (5.0, 5.0)), imbalances(0.1, 0.1), {})
    assert list(found) == ["collapse: layer0"]
    assert found["collapse: layer0"] == (
        "epoch 1: the ID of layer layer0 has fallen to 1.5, below 2 in a layer of 64 coordinates; it was 5 at epoch 0: "
        "the layer may have collapsed"
    )
    reason = "900 of 1000 points lie at distance zero from their nearest neighbour"
    found = symptoms(dimensions((5.0, reason)), imbalances(0.1, 0.1), {})
    assert f"can no longer be measured ({reason})" in found["collapse: layer0"]


@pytest.mark.parametrize("rows", [dimensions((1.5, 1.5)), dimensions((5.0, 1.5), size=3), dimensions((1.5, 5.0))])
def test_what_was_or_may_well_be_low_has_not_collapsed(rows):
    assert symptoms(rows, imbalances(0.1, 0.1), {}) == {}


def test_an_imbalance_that_rises_while_the_loss_falls_may_be_noise_learnt_by_heart():
    ids = dimensions((3.0,) * 5, (3.0,) * 5)
    found = symptoms(ids, imbalances(*RISING), FALLING)
    assert "epochs 0 to 4: II(layer1 -> layer0) rose at each of 5 measurements" in found["memorising"]
    assert "while the loss fell from 5 to 2" in found["memorising"]
    rising_loss = {epoch: -loss for epoch, loss in FALLING.items()}
    for others in (
        (imbalances(*RISING), rising_loss),
        (imbalances(*RISING), {}),
        (imbalances(*RISING[:4]), FALLING),
        (imbalances(0.1, 0.11, 0.1, 0.13, 0.14), FALLING),
        (imbalances(*RISING, error=0.02), FALLING),
        (imbalances(*RISING[:4], None), FALLING),
    ):
        assert "memorising" not in symptoms(dimensions((3.0,) * 5, (3.0,) * 5), *others)


def test_few_points_for_the_id_at_hand():
    assert symptoms(dimensions((9.9,)), imbalances(0.1), {}) == {}  # 2**9.9 is 955
    found = symptoms(dimensions((10.1,), (25.0,), (3.0,)), imbalances(0.1), {})
    assert "1000 points are few for the ID of layer0 (10.1), layer1 (25)" in found["few points"]


def test_a_layer_that_is_not_finite_is_named():
    found = symptoms(dimensions((5.0, "row 3 holds NaN or infinity; fix it")), imbalances(0.1, 0.1), {})
    assert list(found) == ["not finite: layer0"]


def test_a_real_collapse_is_said_once(tmp_path):
    """Weights of rank one take all points to a line."""
    points = torch.randn(300, 12, generator=torch.Generator().manual_seed(0)) @ torch.eye(12)[:5].T @ torch.eye(12)[:5]
    model = nn.Linear(12, 12)
    monitor = vg.GeometryMonitor(model, points, ["input", "output"], tmp_path)
    monitor.step(0)
    with torch.no_grad():
        model.weight[:] = torch.outer(torch.ones(12), model.weight[0])
    with pytest.warns(UserWarning, match=r"epoch 1: the ID of layer output has fallen to [01].*, below 2") as caught:
        ids = [monitor.step(epoch).intrinsic_dimension["intrinsic_dimension"].iloc[1] for epoch in (1, 2)]
    assert len(caught) == 1
    np.testing.assert_allclose(ids, 1, rtol=0.2)
