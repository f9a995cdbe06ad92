import torch

from gradclinic.experiments.layers.global_avg_pool import GlobalAvgPool

from .built import computed, misfit, samples


def test_it_averages_an_image_over_its_pixels_and_a_sequence_over_its_steps():
    image, sequence = samples(3, 4, 5), samples(7, 3)
    torch.testing.assert_close(computed(GlobalAvgPool(), image), image.mean(dim=(2, 3)))
    torch.testing.assert_close(computed(GlobalAvgPool(), sequence), sequence.mean(dim=1))


def test_flat_samples_have_nothing_to_average():
    assert "[steps, features]" in misfit(GlobalAvgPool(), 5)
