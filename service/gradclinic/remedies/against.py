"""The remedies worth trying against each condition, with their parameters set.

Diagnosis rules suggest them, and prescriptions combine them. `pool` lists them, with others, by name.
"""

from collections.abc import Sequence

from ..experiments.activations.leaky_relu import LeakyReLU
from ..experiments.activations.relu import ReLU
from ..experiments.activations.sigmoid import Sigmoid
from ..experiments.activations.tanh import Tanh
from ..experiments.initializations.kaiming_normal import KaimingNormal
from ..experiments.initializations.lecun_normal import LecunNormal
from ..experiments.initializations.orthogonal import Orthogonal
from ..experiments.initializations.xavier_normal import XavierNormal
from ..experiments.optimizers.adam import Adam
from ..experiments.output_activations.log_softmax import LogSoftmax
from .add_batch_norm import AddBatchNorm
from .add_layer_norm import AddLayerNorm
from .add_skip_connections import AddSkipConnections
from .add_warmup import AddWarmup
from .base import Remedy
from .change_loss import ChangeLoss
from .change_optimizer import ChangeOptimizer
from .change_output_activation import ChangeOutputActivation
from .change_schedule import ChangeSchedule
from .clip_gradients import ClipGradients
from .grow_batch import GrowBatch
from .lower_dropout import LowerDropout
from .lower_learning_rate import LowerLearningRate
from .lower_weight_decay import LowerWeightDecay
from .network import Network
from .raise_precision import RaisePrecision
from .remove_clipping import RemoveClipping
from .replace_batch_norm import ReplaceBatchNorm
from .scale_residual_branches import ScaleResidualBranches
from .set_forget_bias import SetForgetBias
from .set_initialization import SetInitialization
from .set_learning_rate import SetLearningRate
from .standardize_inputs import StandardizeInputs
from .standardize_targets import StandardizeTargets
from .swap_activation import SwapActivation
from .train_longer import TrainLonger
from .use_gated_cell import UseGatedCell
from .use_pre_norm import UsePreNorm

RELU = SwapActivation(activation=ReLU())
LEAKY_RELU = SwapActivation(activation=LeakyReLU())
LEAKIER_RELU = SwapActivation(activation=LeakyReLU(negative_slope=0.2))
TANH = SwapActivation(activation=Tanh())

BATCH_NORM = AddBatchNorm()
LAYER_NORM = AddLayerNorm()
GATED_CELL = UseGatedCell()

XAVIER = SetInitialization(initialization=XavierNormal())
KAIMING = SetInitialization(initialization=KaimingNormal())
LECUN = SetInitialization(initialization=LecunNormal())
LECUN_LARGER = SetInitialization(initialization=LecunNormal(gain=1.2))
ORTHOGONAL = SetInitialization(initialization=Orthogonal())
ORTHOGONAL_SMALL_INPUT = SetInitialization(initialization=Orthogonal(input_gain=0.1))
"""For recurrent cells: preserves the state, and keeps inputs from overwhelming it."""

LEVEL_BRANCHES = ScaleResidualBranches()
"""Scales each residual branch by 1 / sqrt(number of branches)."""

STANDARDIZED = StandardizeInputs()
WARMUP = AddWarmup()
NO_CLIPPING = RemoveClipping()
CLIPPING = ClipGradients(by="norm", threshold=1.0)

STANDARDIZED_TARGETS = StandardizeTargets()
USUAL_LOSS = ChangeLoss()
PLAIN_OUTPUTS = ChangeOutputActivation()
SIGMOIDS = ChangeOutputActivation(output_activation=Sigmoid())
LOG_PROBABILITIES = ChangeOutputActivation(output_activation=LogSoftmax())

LONGER = TrainLonger()
LARGER_BATCH = GrowBatch()
CONSTANT_RATE = ChangeSchedule()
NO_DECAY = LowerWeightDecay()
LESS_DECAY = LowerWeightDecay(factor=0.1)
LESS_DROPOUT = LowerDropout()
FLOAT32 = RaisePrecision()
BFLOAT16 = RaisePrecision(precision="bfloat16")

NORM_OF_EACH_SAMPLE = ReplaceBatchNorm()
NORM_OF_GROUPS = ReplaceBatchNorm(norm="group_norm")
PRE_NORM = UsePreNorm()
FORGET_BIAS = SetForgetBias()


def skips(scale: float) -> Remedy:
    """Adds skip connections around every block; block outputs are multiplied by `scale`."""
    return AddSkipConnections(scale=scale)


def rate(factor: float) -> Remedy:
    """Multiplies the learning rate by `factor`."""
    return LowerLearningRate(factor=factor) if factor < 1 else SetLearningRate(factor=factor)


def adam(learning_rate: float) -> Remedy:
    """Changes the optimizer to Adam with this learning rate."""
    return ChangeOptimizer(optimizer=Adam(learning_rate=learning_rate))


def smaller_steps() -> Sequence[Sequence[Remedy]]:
    """Combinations against steps that are too large."""
    return ([rate(0.1)], [rate(0.01)], [rate(0.03)], [rate(0.3)], [adam(0.001)], [CLIPPING, rate(0.1)])


def starved_gradient(network: Network) -> Sequence[Sequence[Remedy]]:
    """Combinations against gradients that vanish before the first layers."""
    if network.recurrent:
        return (
            [ORTHOGONAL_SMALL_INPUT],
            [GATED_CELL],
            [GATED_CELL, adam(0.01)],
            [ORTHOGONAL_SMALL_INPUT, adam(0.003)],
        )
    return (
        [BATCH_NORM],
        [RELU, KAIMING],
        [XAVIER],
        [skips(1.0), LAYER_NORM, adam(0.003)],
        [TANH, ORTHOGONAL],
        [RELU, KAIMING, adam(0.001)],
        [BATCH_NORM, adam(0.003)],
        [skips(network.branch)],
        [LECUN_LARGER],
    )
