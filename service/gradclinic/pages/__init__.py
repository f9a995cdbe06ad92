"""The pages, and the figure behind each chart.

mount(app)      # an API whose app.state.service is a use_cases.service.Service
"""

from .mounting import mount

__all__ = ["mount"]
