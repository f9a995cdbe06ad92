"""Mean-field predictions for the gradients of a network before training; pure functions without torch.

from gradclinic.theory import predict
prediction = predict(experiment)
prediction.depth_slope        # orders of magnitude; None, with prediction.reason, if no closed form exists

What the closed form covers, and its sources:
    size of signals, chi of gradients         Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, 1611.01232
    weights of the common schemes             He et al. 2015, arXiv:1502.01852; Glorot and Bengio 2010
    skip connections                          Yang and Schoenholz 2017, arXiv:1712.08969; gradient.py adds the part of
                                              the gradient along the signal and along its mean
    batch norm                                Yang et al. 2019, arXiv:1902.08129; batch.py adds correlated samples,
                                              small batches and finite widths to first order (vectors of units only)
    convolutions with zero padding            Xiao et al. 2018, arXiv:1806.05393; walk.py adds skip connections around
                                              them, with all positions treated alike; `factor_doubt` bounds the error
    plain recurrent cells                     Chen, Pennington and Schoenholz 2018, arXiv:1806.05394; recurrent.py
                                              follows each sample; `factor_doubt` covers the reuse of weights
At finite width, draws of the weights scatter around the prediction (Hanin 2018, arXiv:1801.03744). `expected_error` is
this scatter; it is measured, not derived.
Not covered: gated cells, attention, projected shortcuts and training. For batch norm over pixels only the limit of an
infinite batch is covered; its `factor_doubt` is measured.
"""

from .prediction import Prediction, SitePrediction, predict

__all__ = ["Prediction", "SitePrediction", "predict"]
