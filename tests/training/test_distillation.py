"""Every loss in the table, for a student narrower than its teacher and of another architecture; and each one's zero."""

import dataclasses

import pytest
import torch
from torch import nn

from rawclean.core.noise import NoiseModel
from rawclean.errors import TrainingError
from rawclean.networks import build_network
from rawclean.networks.sigma_map import sigma_around
from rawclean.synthesis.noise_draw import add_noise
from rawclean.training.batch import Batch
from rawclean.training.lesson import Lesson
from rawclean.training.losses.adversarial import Critic, deceiving, judging
from rawclean.training.losses.aggregation import AggregatedFeatures
from rawclean.training.losses.channel_cost import ChannelCost
from rawclean.training.losses.heterogeneous import AdaptedFeatures, OutputMatching
from rawclean.training.losses.region_affinity import RegionAffinity, affinity, region_masks
from rawclean.training.losses.soft import (
    Contrast,
    CrossAttention,
    CrossNetAttention,
    over_channels,
    over_space,
    standardised,
    with_more_noise,
)
from rawclean.training.losses.table import LOSSES, Classroom, LossWeights, weighted_losses
from rawclean.training.losses.teacher import FrozenTeacher, feature_pairs
from rawclean.training.optimizers import OptimizerChoice, Optimizers
from rawclean.training.prediction import Prediction, predict

NARROW = {"widths": (8, 16, 16), "encoder_blocks": (0, 0, 0), "decoder_blocks": (1, 1, 1)}
TEACHERS = {
    "teacher": {"widths": (16, 24, 24), "encoder_blocks": (0, 1, 1), "decoder_blocks": (1, 1, 1)},
    "fan": {"widths": (24, 24, 32), "encoder_blocks": (0, 1, 1), "decoder_blocks": (1, 2, 1)},
    "mdrn": {"width": 24, "degraded_width": 32, "depths": (1, 2), "blocks": 1},
}
STUDENTS = {"fan": NARROW | {"gates": True}, "mdrn": {"width": 8, "degraded_width": 16, "depths": (1, 2), "blocks": 1}}
DISTILLING = [name for name, entry in LOSSES.items() if entry.needs_teacher]


@pytest.fixture(scope="module")
def batch():
    ramp = torch.linspace(0.05, 0.8, 32).expand(2, 4, 32, 32)
    clean = ramp + 0.1 * torch.rand(2, 4, 32, 32, generator=torch.Generator().manual_seed(0)).round()
    noise = NoiseModel(*(torch.full((2, 4), value) for value in (1e-3, 1e-3)))
    return Batch(clean, add_noise(clean, noise, torch.Generator().manual_seed(1)), noise, noise)


def teacher(name: str = "teacher") -> FrozenTeacher:
    torch.manual_seed(1)
    return FrozenTeacher(build_network(name, TEACHERS[name]))


def lesson(loss: str, student: str = "fan", taught_by: str = "teacher") -> tuple[Lesson, FrozenTeacher]:
    """A student that has only this loss."""
    torch.manual_seed(0)
    network, averaged = (build_network(student, STUDENTS[student]) for _ in range(2))
    weights = LossWeights(**{"relative_error": 0.0, "layers": (0, 1, 2), loss: 1.0})
    room = Classroom(weights, network, averaged, teacher(taught_by))
    return Lesson(network, weighted_losses(room)), room.master


def own(asked: FrozenTeacher, batch: Batch) -> Prediction:
    """What a student says that is its teacher."""
    return asked.prediction(batch)


def own_pairs(asked: FrozenTeacher):
    return feature_pairs(asked.network, asked.network, (0, 1, 2))


def make_identity(layer: nn.Conv2d) -> None:
    with torch.no_grad():
        nn.init.dirac_(layer.weight)
        nn.init.zeros_(layer.bias)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_falls_when_it_is_learned(loss, batch):
    learner, _ = lesson(loss)
    optimizers = Optimizers(learner, OptimizerChoice.ADAMW, 3e-3, 0.0)
    found = []
    for _ in range(25):
        value = learner(batch, 0.0)
        optimizers.zero_grad()
        value.backward()
        optimizers.step(3e-3 if loss != "gate_cost" else 0.2)
        found.append(float(value.detach()))
    assert sum(found[-3:]) < 0.97 * sum(found[:3]) if found[0] > 0 else found[-1] < found[0] - 0.03


@pytest.mark.parametrize("taught_by", TEACHERS)
@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("loss", DISTILLING)
def test_gradients_reach_the_student_and_not_the_teacher(loss, student, taught_by, batch):
    learner, asked = lesson(loss, student, taught_by)
    value = learner(batch, 0.0)
    value.backward()
    assert bool(value.isfinite())
    assert float(learner.network.head.weight.grad.abs().sum()) > 0
    assert all(parameter.grad is None for parameter in asked.network.parameters())
    assert not any("teacher" in name or "earlier" in name for name in learner.state_dict())


@pytest.mark.parametrize("loss", LOSSES)
def test_what_a_loss_learns_is_in_its_state_and_not_in_the_weights(loss):
    learner, _ = lesson(loss)
    other, _ = lesson(loss)
    with torch.no_grad():
        for value in learner.losses.state_dict().values():
            value.add_(1.0)
    other.losses.load_state_dict(learner.losses.state_dict())
    assert all(
        torch.equal(learner.losses.state_dict()[name], value) for name, value in other.losses.state_dict().items()
    )
    assert not any("losses" in name for name in learner.network.state_dict())
    learns = {"adapted_features", "cross_attention", "aggregated_features", "adversarial"}
    assert bool(list(learner.losses.parameters())) == (loss in learns)


@pytest.mark.parametrize("loss", ["adapted_features", "cross_attention", "aggregated_features", "adversarial"])
def test_gradients_reach_what_a_loss_learns_itself(loss, batch):
    learner, _ = lesson(loss)
    learner(batch, 0.0).backward()
    assert all(float(value.grad.abs().sum()) > 0 for value in learner.losses.parameters())


def test_every_loss_has_a_weight_in_recipes():
    names = {field.name for field in dataclasses.fields(LossWeights)}
    assert set(LOSSES) <= names
    assert names - set(LOSSES) == {"layers", "target", "gate_budget"}


def test_a_teacher_is_asked_once_per_batch(batch, monkeypatch):
    asked = teacher()
    assert asked.prediction(batch) is asked.prediction(batch)
    assert asked.prediction(dataclasses.replace(batch)) is not asked.prediction(batch)


def test_matching_the_teacher_is_zero_for_the_teacher(batch):
    asked = teacher()
    adapted = AdaptedFeatures(asked, own_pairs(asked))
    for adapter in adapted.adapters:
        make_identity(adapter)
    affine = RegionAffinity(asked, own_pairs(asked))
    for loss in (OutputMatching(asked), adapted, affine):
        assert float(loss(own(asked, batch), batch).detach()) == pytest.approx(0.0, abs=1e-5)


def test_adapters_that_know_the_means_alone_are_at_one(batch):
    asked = teacher()
    loss = AdaptedFeatures(asked, own_pairs(asked))
    with torch.no_grad():
        for pair, adapter in zip(loss.pairs, loss.adapters, strict=True):
            adapter.weight.zero_()
            adapter.bias.copy_(own(asked, batch).features[pair.teacher].mean(dim=(0, 2, 3)))
    assert float(loss(own(asked, batch), batch).detach()) == pytest.approx(1.0, abs=1e-4)


def test_cross_attention_is_zero_for_the_teachers_features(batch):
    asked = teacher()
    loss = CrossAttention(asked, own_pairs(asked))
    for attention in loss.attention:
        make_identity(attention.project)
    alike = Prediction(batch.noisy, [[standardised(features)] for features in own(asked, batch).features])
    assert float(loss(alike, batch).detach()) == pytest.approx(0.0, abs=1e-5)


def test_the_gaussian_kernel_is_as_wide_as_the_median_distance(batch):
    asked = teacher()
    loss = CrossAttention(asked, own_pairs(asked)[:1])
    first = float(loss(own(asked, batch), batch).detach())
    assert 0.3 < first < 0.5  # 1 - exp(-1/2) is 0.39
    width = loss.spread.clone()
    loss(own(asked, batch), batch)
    assert torch.allclose(loss.spread, width)


def test_attention_finds_a_channel_and_a_place_again():
    """Both are the wanted features in another order, strong enough for attention to be sure."""
    rng = torch.Generator().manual_seed(0)
    wanted = 60 * nn.functional.normalize(torch.randn(1, 16, 8, 8, generator=rng), dim=1)  # of one length everywhere
    assert torch.allclose(over_channels(wanted.flip(1), wanted), wanted.flip(1), atol=1e-3)
    assert torch.allclose(over_space(wanted.flip(2), wanted), wanted.flip(2), atol=1e-3)
    assert CrossNetAttention(3, 16)(torch.rand(1, 3, 8, 8), wanted).shape == wanted.shape
    assert over_space(torch.rand(1, 4, 64, 48), torch.rand(1, 4, 64, 48)).shape == (1, 4, 64, 48)


def test_contrast_is_zero_where_all_positives_are_met(batch):
    asked = teacher()
    earlier = build_network("fan", NARROW)
    met = dataclasses.replace(batch, clean=own(asked, batch).denoised)
    asked.prediction(met)
    loss = Contrast(asked, earlier, (0, 1, 2))
    assert float(loss(own(asked, met), met)) == pytest.approx(0.0, abs=1e-5)
    assert float(loss(predict(earlier, batch.noisy, sigma_around(batch.noisy, batch.noise)), batch)) > 0.1


def test_more_noise_has_twice_the_variance(batch):
    noise, more = (float((planes - batch.clean).square().mean()) for planes in (batch.noisy, with_more_noise(batch)))
    assert more / noise == pytest.approx(2.0, rel=0.1)


def test_aggregates_learn_from_the_bridge_alone(batch):
    asked = teacher("fan")
    loss = AggregatedFeatures(asked, own_pairs(asked))
    loss.matching(own(asked, batch), batch).backward()
    assert all(beta.grad is None for beta in loss.betas.values())
    loss.bridge(batch).backward()
    assert all(float(beta.grad.abs().sum()) > 0 for beta in loss.betas.values())
    assert all(adapter.weight.grad is not None for adapter in loss.adapters)


def test_aggregates_of_the_last_layers_are_the_teacher(batch):
    """Then the match is zero for the teacher itself, and the bridge its own error."""
    asked = teacher("fan")
    loss = AggregatedFeatures(asked, own_pairs(asked))
    with torch.no_grad():
        for beta in loss.betas.values():
            beta[-1] = 100.0
    for adapter in loss.adapters:
        make_identity(adapter)
    result = own(asked, batch)
    assert float(loss.matching(result, batch).detach()) == pytest.approx(0.0, abs=1e-6)
    error = (result.denoised - batch.clean).square().mean(dim=(1, 2, 3))
    relative = float((error / batch.noise.variance(batch.clean).mean(dim=(1, 2, 3))).mean())
    assert float(loss.bridge(batch).detach()) == pytest.approx(relative, rel=1e-4)


def test_regions_cover_every_place_once(batch):
    masks = region_masks(batch.clean, (16, 16))
    assert torch.equal(masks.sum(dim=1), torch.ones(2, 16, 16))
    assert bool((masks[:, ::2] + masks[:, 1::2]).sum(dim=(2, 3)).gt(40).all())  # quarters of 256 places
    similar = affinity(torch.rand(2, 5, 16, 16), masks)
    assert torch.allclose(similar, similar.mT)


def test_critics_and_student_pull_at_opposite_ends():
    torch.manual_seed(0)
    critic, fake, real = Critic(4), torch.rand(1, 4, 8, 8).requires_grad_(), torch.rand(1, 4, 8, 8)
    deceiving(critic, fake).backward()
    assert float(fake.grad.abs().sum()) > 0
    assert all(value.grad is None for value in critic.parameters())
    fake.grad = None
    judging(critic, fake, real).backward()
    assert fake.grad is None
    assert all(value.grad is not None for value in critic.parameters())
    with torch.no_grad():
        critic.layers[-1].weight.zero_()
        critic.layers[-1].bias.fill_(1.0)  # takes all for the teacher
    assert float(deceiving(critic, fake).detach()) == 0.0
    assert float(judging(critic, fake, real).detach()) == pytest.approx(0.5)


def test_the_cost_of_channels_is_zero_at_the_budget(batch):
    student = build_network("fan", NARROW | {"gates": True})
    loss = ChannelCost.of(student, budget=0.7)
    nothing = Prediction(batch.noisy, [])
    assert float(loss(nothing, batch).detach()) == pytest.approx(1.0)
    loss(nothing, batch).backward()
    assert all(float(gate.logits.grad.sum()) > 0 for gate in student.gates if len(gate.logits))
    with torch.no_grad():
        for gate in student.gates:
            gate.logits.fill_(-1.0)
    assert float(loss(nothing, batch).detach()) == 0.0
    with pytest.raises(TrainingError, match="a fan with gates"):
        ChannelCost.of(build_network("fan", {}), 0.5)
