"""What mean-field theory predicts for the gradients of a network before it is trained; pure, cited, torch-free.

from gradclinic.theory import predict
prediction = predict(experiment)
prediction.depth_slope        # decades; None with prediction.reason where no closed form exists

What is in the closed form, and whose it is:
    size of signals, chi of gradients         Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, 1611.01232
    weights of the common schemes             He et al. 2015, arXiv:1502.01852; Glorot and Bengio 2010
    skip connections                          Yang and Schoenholz 2017, arXiv:1712.08969; and gradient.py: the part of
                                              the gradient along the signal and along its mean
    batch norm                                Yang et al. 2019, arXiv:1902.08129; and batch.py: alike samples, small
                                              batches and finite widths to first order (vectors of units only)
    convolutions, zero padding counted        Xiao et al. 2018, arXiv:1806.05393; and walk.py: skip connections around
                                              them, positions taken as alike; `factor_doubt` says how far that may miss
    plain recurrent cells                     Chen, Pennington and Schoenholz 2018, arXiv:1806.05394; and recurrent.py:
                                              each sample by its own sizes; what reused weights add is `factor_doubt`
Finite widths scatter one draw about it (Hanin 2018, arXiv:1801.03744); that is measured, not derived: `expected_error`.
Not in it: gated cells, attention, projected shortcuts, batch norm over pixels beyond its infinite batch (its
`factor_doubt` is measured), training.
"""

from .prediction import Prediction, SitePrediction, predict

__all__ = ["Prediction", "SitePrediction", "predict"]
