"""The Flask application for any WSGI server: `gunicorn --preload rocket.wsgi:app`.

`rocket/serve` does not need this module; it is here for those who bring a server of their own.
Run it in the app's folder. A model that cannot be loaded ends the server.
"""

from __future__ import annotations

from rocket.core import Core
from rocket.model import Model
from rocket.predictor import create_app
from rocket.settings import Layout, Settings

model = Model(Layout.from_environment())
model.import_code()
model.load()
app = create_app(Core(model, Settings.from_environment()))
