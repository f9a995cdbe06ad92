"""The sites and the weights of a declared network, as the recorder takes them."""

from collections.abc import Mapping

from torch import nn

from gradclinic.experiments.lowering import Network
from gradclinic.experiments.sites import Site
from gradclinic.measurements.record import SiteInfo, WeightInfo
from gradclinic_torch.model.tapped import Sequence as Modules


def declared_sites(network: Network) -> list[tuple[Site, SiteInfo]]:
    """Every site, in the order of the forward pass."""
    shapes = {node.name: node.out_shape for node in network.walk()}
    return [(site, _describe(site, shapes)) for site in network.sites]


def declared_weights(network: Network, modules: Modules) -> list[tuple[nn.Parameter, WeightInfo]]:
    """Every parameter that multiplies; the last layer with one is the readout."""
    by_name = dict(modules.named())
    weights = []
    readout = network.weighted[-1].name
    for node in network.weighted:
        names = [parameter.name for parameter in node.parameters if parameter.multiplies]
        for name in names:
            weight = by_name[node.name].get_parameter(name)
            label = node.name if len(names) == 1 else f"{node.name}.{name}"
            info = WeightInfo(label, tuple(weight.shape), node.name == readout, weight.requires_grad)
            weights.append((weight, info))
    return weights


def _describe(site: Site, out_shapes: Mapping[str, tuple[int, ...]]) -> SiteInfo:
    shape = out_shapes[site.group or site.tap]
    activation = site.activation
    return SiteInfo(
        name=site.name,
        kind=site.kind,
        in_profile=site.in_profile,
        units=shape[0] if site.unit_axis == 1 else shape[-1],
        activation=activation.name if activation else None,
        bounded=activation.bounded if activation else False,
        can_die=activation.can_die() if activation else False,
        group=site.group,
    )
