"""What AWS Lambda calls: `app.train` and `app.serve`, around your train.py and serve.py.

Both take (event, context); rocket/function.py says what the event may be and what comes back.
"""

from rocket.function import serve, train

__all__ = ["serve", "train"]
