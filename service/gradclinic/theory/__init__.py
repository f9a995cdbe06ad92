"""What mean-field theory predicts for the gradients of a network before it is trained; pure, cited, torch-free.

from gradclinic.theory import predict, to_json
prediction = predict(experiment)
prediction.depth_slope        # decades; None with prediction.reason where no closed form exists
"""

from .prediction import Prediction, SitePrediction, predict, to_json

__all__ = ["Prediction", "SitePrediction", "predict", "to_json"]
