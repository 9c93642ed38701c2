"""A training with a monitor: the same weights as without, one table, numbers for whoever watches."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import vae_geometry as vg
from vae_geometry import VaeGeometryError, tables

pytestmark = pytest.mark.usefixtures("one_thread")
LAYERS = ["input", "0", "4"]
TABLES = ("intrinsic_dimension", "information_imbalance")


def new_model():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 12))


@pytest.fixture
def points():
    return torch.randn(220, 12, generator=torch.Generator().manual_seed(0))


def train(points, monitored, epochs=3):
    """Train with shuffled batches and dropout; ``monitored`` makes a monitor of the model, or none."""
    model = new_model()
    monitor = monitored(model)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for epoch in range(epochs):
        for batch in DataLoader(points, batch_size=40, shuffle=True):
            optimizer.zero_grad()
            loss = ((model(batch) - batch) ** 2).mean()
            loss.backward()
            optimizer.step()
        if monitor:
            monitor.step(epoch, loss.item())
    return model, monitor


def test_the_weights_are_those_of_a_training_without_it(points, tmp_path):
    """With inputs of a DataLoader that has workers, which draw seeds of their own."""
    inputs = DataLoader(points, batch_size=100, num_workers=1)
    monitored, _ = train(points, lambda model: vg.GeometryMonitor(model, inputs, LAYERS, tmp_path))
    plain, _ = train(points, lambda model: None)
    for name, tensor in plain.state_dict().items():
        assert monitored.state_dict()[name].numpy().tobytes() == tensor.numpy().tobytes(), name
    assert monitored.training


def test_it_measures_every_so_many_epochs_what_measure_measures(points, tmp_path):
    model = new_model()
    monitor = vg.GeometryMonitor(model, points, LAYERS, tmp_path, every=2)
    geometries = [monitor.step(epoch) for epoch in range(4)]
    assert [geometry is not None for geometry in geometries] == [True, False, True, False]
    expected = vg.measure(vg.record_activations(model, points, LAYERS))
    for kind in TABLES:
        pd.testing.assert_frame_equal(getattr(geometries[2], kind), getattr(expected, kind))
        table = tables.read(kind, [tmp_path / f"{kind}.parquet"]).to_pandas()
        assert table["epoch"].unique().tolist() == [0, 2]
        shown = table[table["epoch"] == 2][list(getattr(expected, kind))].reset_index(drop=True)
        pd.testing.assert_frame_equal(shown, getattr(expected, kind))


def test_a_resumed_training_continues_the_same_table(points, tmp_path):
    folders = [tmp_path / "whole", tmp_path / "resumed"]
    train(points, lambda model: vg.GeometryMonitor(model, points, LAYERS, folders[0], scales=4), epochs=4)
    train(points, lambda model: vg.GeometryMonitor(model, points, LAYERS, folders[1], scales=4), epochs=3)
    model = new_model()
    again = vg.GeometryMonitor(model, points, LAYERS, folders[1], scales=4)
    again.step(1)  # other weights: the rows are replaced
    replaced = pd.read_parquet(folders[1] / "intrinsic_dimension.parquet")
    assert replaced["epoch"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert (
        replaced.loc[3:5, "intrinsic_dimension"].tolist()
        == again.step(7).intrinsic_dimension["intrinsic_dimension"].tolist()
    )
    train(points, lambda model: vg.GeometryMonitor(model, points, LAYERS, folders[1], scales=4), epochs=4)
    for kind in (*TABLES, "id_scaling"):
        whole, resumed = (pd.read_parquet(folder / f"{kind}.parquet") for folder in folders)
        pd.testing.assert_frame_equal(whole, resumed[resumed["epoch"] < 7])


def test_tables_of_other_layers_and_points_and_other_files_are_refused(points, tmp_path):
    model = new_model()
    vg.GeometryMonitor(model, points, LAYERS, tmp_path).step(0)
    with pytest.raises(VaeGeometryError, match=r"intrinsic_dimension.parquet: holds layers input, 0, 4, not 0, 4;"):
        vg.GeometryMonitor(model, points, ["0", "4"], tmp_path)
    before = (tmp_path / "intrinsic_dimension.parquet").read_bytes()
    with pytest.raises(VaeGeometryError, match=r"intrinsic_dimension.parquet: is of 220 points, not of 210;"):
        vg.GeometryMonitor(model, points[:210], LAYERS, tmp_path).step(1)
    assert (tmp_path / "intrinsic_dimension.parquet").read_bytes() == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other/information_imbalance.parquet").write_text("mine")
    with pytest.raises(VaeGeometryError, match="is not a table of kind information_imbalance and is not replaced"):
        vg.GeometryMonitor(model, points, LAYERS, tmp_path / "other")


def test_mistakes_are_found_before_the_training(points, tmp_path):
    model = new_model()
    for arguments, sentence in {
        (points, None): "layers: name those to record, of 0, 1, 2, 3, 4",
        (DataLoader(points, shuffle=True), ("0",)): "the DataLoader shuffles",
        (points, ("9",)): "the model has no layer 9",
    }.items():
        with pytest.raises(VaeGeometryError, match=sentence):
            vg.GeometryMonitor(model, *arguments, tmp_path)
    for options, sentence in [
        ({"every": 0}, "every: 0 is too small"),
        ({"scales": 0}, "scales: 0 is not a power of two"),
        ({"device": "gpu0"}, "device: 'gpu0' cannot be used"),
        ({"writer": "run"}, "writer: a str has no add_scalar"),
    ]:
        with pytest.raises(VaeGeometryError, match=sentence):
            vg.GeometryMonitor(model, points, LAYERS, tmp_path, **options)
    with pytest.raises(VaeGeometryError, match="epoch: 'last' is not a whole number; give one of at least 0"):
        vg.GeometryMonitor(model, points, LAYERS, tmp_path).step("last")
    with pytest.raises(VaeGeometryError, match="loss: 'low' is not a number"):
        vg.GeometryMonitor(model, points, LAYERS, tmp_path).step(0, "low")
    file = tmp_path.parent / "a-file"
    file.touch()
    with pytest.raises(VaeGeometryError, match="a-file: is not a folder; name another output"):
        vg.GeometryMonitor(model, points, LAYERS, file)
    assert not list(tmp_path.iterdir())


class Restless(Dataset):
    """Its points differ at every pass, from a source that no seed reaches; or by torch, whose seed the monitor sets."""

    def __init__(self, points, seeded):
        self.points, self.seeded, self.reads = points, seeded, 0

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        self.reads += 1
        return self.points[index] + (torch.rand(()) if self.seeded else self.reads)


def test_points_that_change_are_refused_and_random_transforms_are_repeated(points, tmp_path):
    monitor = vg.GeometryMonitor(new_model(), DataLoader(Restless(points, False), 50), LAYERS, tmp_path / "changing")
    monitor.step(0)
    with pytest.raises(VaeGeometryError, match="inputs: differ from those of the previous measurement"):
        monitor.step(1)
    monitor = vg.GeometryMonitor(new_model(), DataLoader(Restless(points, True), 50), LAYERS, tmp_path / "repeated")
    one, other = monitor.step(0), monitor.step(1)
    pd.testing.assert_frame_equal(one.information_imbalance, other.information_imbalance)


def test_a_layer_of_nan_does_not_end_the_training(points, tmp_path):
    model = new_model()
    monitor = vg.GeometryMonitor(model, points, LAYERS, tmp_path)
    monitor.step(0)
    with torch.no_grad():
        model[4].weight[0, 0] = torch.nan
    with pytest.warns(UserWarning, match="epoch 1: layer 4 is not measured: row 0 holds NaN or infinity"):
        ids = monitor.step(1).intrinsic_dimension
    assert ids["intrinsic_dimension"].isna().tolist() == [False, False, True]
    with pytest.warns(UserWarning, match="few for the ID"):  # of the other sort, said before; this one is said once
        vg.GeometryMonitor(model, points[:200] * 1, LAYERS, tmp_path / "new").step(0)
    monitor.plot()


class Written(list):
    def add_scalar(self, tag, scalar_value, global_step):
        self.append((tag, scalar_value, global_step))


def test_a_writer_gets_the_numbers_of_the_tables(points, tmp_path):
    writer = Written()
    geometry = vg.GeometryMonitor(new_model(), points, LAYERS, tmp_path, writer=writer).step(4)
    ids = geometry.intrinsic_dimension["intrinsic_dimension"].tolist()
    pairs = geometry.information_imbalance.set_index(["source_name", "target_name"])["information_imbalance"]
    assert writer == [
        *((f"intrinsic_dimension/{name}", value, 4) for name, value in zip(LAYERS, ids, strict=True)),
        ("information_imbalance/0_to_input", pairs["0", "input"], 4),
        ("information_imbalance/4_to_input", pairs["4", "input"], 4),
    ]


def test_tensorboard_reads_the_numbers_back(points, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path / "events") as writer:
        monitor = vg.GeometryMonitor(new_model(), points, LAYERS, tmp_path / "geometry", writer=writer, every=5)
        geometries = [monitor.step(epoch) for epoch in range(6)]
    events = EventAccumulator(str(tmp_path / "events")).Reload()
    found = events.Scalars("intrinsic_dimension/4")
    assert [event.step for event in found] == [0, 5]
    ids = [geometry.intrinsic_dimension["intrinsic_dimension"].iloc[2] for geometry in geometries if geometry]
    np.testing.assert_allclose([event.value for event in found], ids, rtol=1e-6)
    assert "information_imbalance/4_to_input" in events.Tags()["scalars"]


def test_the_figure_shows_the_course(points, tmp_path):
    _, monitor = train(points, lambda model: vg.GeometryMonitor(model, points, LAYERS, tmp_path))
    ids, imbalances = monitor.plot().axes
    table = pd.read_parquet(tmp_path / "intrinsic_dimension.parquet")
    for layer in range(3):
        line = ids.lines[layer]
        assert line.get_xdata().tolist() == [0, 1, 2]
        assert line.get_ydata().tolist() == table.loc[table["layer"] == layer, "intrinsic_dimension"].tolist()
    assert len(imbalances.lines) == 2
    with pytest.raises(VaeGeometryError, match="holds no measurement yet"):
        vg.GeometryMonitor(new_model(), points, LAYERS, tmp_path / "empty").plot()
