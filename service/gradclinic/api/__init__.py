"""The REST API: one router a resource. The application's state holds the `Service` behind it.

    app = create_app()                  # by the settings of this process (GRADCLINIC_...)
    app = create_app(settings)          # by these
    app.state.service                   # what pages and routes use: settings, store, queue

This process never imports torch.
"""

from .app import create_app

__all__ = ["create_app"]
