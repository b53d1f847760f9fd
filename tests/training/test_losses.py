"""Every loss: zero, or its floor, for perfection; about one, or zero decibels, for untouched noise; its gradient."""

import math

import pytest
import torch

from rawclean.core.noise import NoiseModel
from rawclean.errors import TrainingError
from rawclean.networks import build_network
from rawclean.networks.sigma_map import sigma_around
from rawclean.synthesis.noise_draw import add_noise
from rawclean.training.batch import Batch
from rawclean.training.losses import WeightedLoss
from rawclean.training.losses.feature_hints import FeatureHints, unexplained
from rawclean.training.losses.feature_matching import FeatureMatching, Target
from rawclean.training.losses.heterogeneous import OutputMatching
from rawclean.training.losses.relative_error import FLOOR, RelativeError
from rawclean.training.losses.teacher import FrozenTeacher, feature_pairs
from rawclean.training.prediction import Prediction, predict


@pytest.fixture(scope="module")
def teacher():
    torch.manual_seed(0)
    fields = {"widths": (8, 8, 8), "encoder_blocks": (0, 1, 1), "decoder_blocks": (1, 1, 1)}
    return FrozenTeacher(build_network("teacher", fields).double())


@pytest.fixture(scope="module")
def batch():
    clean = torch.rand(2, 4, 16, 16, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    noise = NoiseModel(*(torch.full((2, 4), value, dtype=torch.double) for value in (1e-3, 1e-2)))
    return Batch(clean, add_noise(clean, noise, torch.Generator().manual_seed(1)), noise, noise)


def result(denoised: torch.Tensor) -> Prediction:
    """What a student says that is asked for nothing else."""
    return Prediction(denoised, [])


def test_relative_error_is_zero_for_untouched_noise_and_least_for_perfection(batch):
    assert float(RelativeError()(result(batch.noisy), batch)) == pytest.approx(0.0, abs=0.1)
    assert float(RelativeError()(result(batch.clean), batch)) == pytest.approx(math.log(FLOOR))


def test_feature_matching_is_one_for_untouched_noise_and_zero_for_the_target(teacher, batch):
    loss = FeatureMatching(teacher, (0, 1, 2), Target.CLEAN)
    assert float(loss(result(batch.noisy), batch)) == pytest.approx(1.0)
    assert float(loss(result(batch.clean), batch)) == 0.0
    between = float(loss(result((batch.noisy + batch.clean) / 2), batch))
    assert 0.2 < between < 0.8


def test_matching_the_teacher_is_zero_for_its_own_result(teacher, batch):
    sigma_map = sigma_around(batch.noisy, batch.noise)
    with torch.no_grad():
        own = batch.noisy - sigma_map * teacher.network(batch.noisy, sigma_map).float()
    assert float(FeatureMatching(teacher, (2,), Target.TEACHER)(result(own), batch)) == pytest.approx(0.0, abs=1e-6)
    assert float(OutputMatching(teacher)(result(own), batch)) == pytest.approx(0.0, abs=1e-6)
    assert float(OutputMatching(teacher)(result(batch.noisy), batch)) == pytest.approx(1.0)


def test_gradients_reach_the_result_and_not_the_teacher(teacher, batch):
    denoised = ((batch.noisy + batch.clean) / 2).requires_grad_()
    for loss in (RelativeError(), FeatureMatching(teacher, (0, 2), Target.CLEAN), OutputMatching(teacher)):
        (gradient,) = torch.autograd.grad(loss(result(denoised), batch), denoised)
        assert float(gradient.abs().sum()) > 0
    assert all(parameter.grad is None for parameter in teacher.network.parameters())


def test_relative_error_has_the_gradient_of_its_formula(batch):
    small = Batch(batch.clean[..., :4, :4], batch.noisy[..., :4, :4], batch.noise, batch.told)
    assert torch.autograd.gradcheck(lambda x: RelativeError()(result(x), small), small.noisy.clone().requires_grad_())


def test_a_step_against_the_gradient_of_feature_matching_lowers_it(teacher, batch):
    loss = FeatureMatching(teacher, (0, 1, 2), Target.CLEAN)
    denoised = batch.noisy.clone().requires_grad_()
    before = loss(result(denoised), batch)
    (gradient,) = torch.autograd.grad(before, denoised)
    step = 0.05 * (batch.noisy - batch.clean).norm() / gradient.norm()
    assert float(loss(result((denoised - step * gradient).detach()), batch)) < float(before.detach())


def random_features(channels: int, seed: int) -> torch.Tensor:
    return torch.randn(2, channels, 16, 16, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def test_features_explain_their_linear_maps_and_no_strangers():
    features = random_features(4, seed=0)
    mixed = torch.einsum("dc,bchw->bdhw", random_features(4, seed=1)[0, :, :8, 0].T, features) + 3.0
    assert float(unexplained(features, mixed)) < 1e-4
    assert float(unexplained(features, random_features(8, seed=2))) > 0.95
    assert float(unexplained(features, torch.cat([features, random_features(4, seed=2)], 1))) == pytest.approx(
        0.5, abs=0.02
    )


def test_unexplained_share_has_the_gradient_of_its_formula():
    """Though none goes through the linear map, which is the best one."""
    wanted = random_features(3, seed=1)[..., :5, :5]
    features = random_features(2, seed=0)[..., :5, :5].requires_grad_()
    (gradient,) = torch.autograd.grad(unexplained(features, wanted), features)
    change = 1e-5 * random_features(2, seed=2)[..., :5, :5]
    with torch.no_grad():
        difference = unexplained(features + change, wanted) - unexplained(features - change, wanted)
    assert float((gradient * change).sum() * 2) == pytest.approx(float(difference), rel=0.01)


def test_hints_reach_the_student_and_not_the_teacher(teacher, batch):
    student = build_network("fan", {"widths": (16, 16, 16), "encoder_blocks": (0,) * 3, "decoder_blocks": (1,) * 3})
    hints = FeatureHints(teacher, feature_pairs(student.double(), teacher.network, (0, 2)))
    loss = hints(predict(student, batch.noisy, sigma_around(batch.noisy, batch.noise)), batch)
    loss.backward()
    assert 0.0 < float(loss.detach()) < 1.0
    assert float(student.head.weight.grad.abs().sum()) > 0
    assert student.tail.weight.grad is None
    assert all(parameter.grad is None for parameter in teacher.network.parameters())


def test_features_pair_by_their_resolution(teacher):
    """The teacher's are 8 channels at a quarter, half and all of the planes' side."""
    five_scales = feature_pairs(build_network("fan", {}).double(), teacher.network, (0, 1, 2))
    assert [(pair.student, pair.teacher) for pair in five_scales] == [(2, 0), (3, 1), (4, 2)]
    assert [(pair.student_channels, pair.teacher_channels) for pair in five_scales] == [(32, 8), (32, 8), (16, 8)]
    folded = feature_pairs(build_network("fan", {"quarter": True}).double(), teacher.network, (0, 1, 2))
    assert [(pair.student, pair.teacher) for pair in folded] == [(3, 0), (4, 1)]


@pytest.mark.parametrize(("layers", "reason"), [((3,), "from 0, the coarsest, to 2"), ((2,), "of one resolution")])
def test_layers_that_cannot_be_compared_are_refused(teacher, layers, reason):
    with pytest.raises(TrainingError, match=reason):
        feature_pairs(build_network("fan", {"quarter": True}), teacher.network, layers)


def test_a_fading_loss_ends_at_zero(batch):
    terms = [WeightedLoss(2.0, RelativeError(), fades=fades) for fades in (False, True)]
    full = 2 * float(RelativeError()(result(batch.clean), batch))
    assert [float(term.at(0.0, result(batch.clean), batch)) for term in terms] == pytest.approx([full, full])
    assert [float(term.at(0.75, result(batch.clean), batch)) for term in terms] == pytest.approx([full, full / 4])
    assert float(terms[1].at(1.0, result(batch.clean), batch)) == 0.0
