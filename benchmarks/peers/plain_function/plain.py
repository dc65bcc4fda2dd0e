"""The handler that one writes first: it loads the model on each call."""

import pickle


def serve(event, context):
    """Answers one observation."""
    with open("/opt/ml/model/model.pkl", "rb") as file:
        model = pickle.load(file)
    return {"prediction": model.predict([event["observation"]])[0]}
