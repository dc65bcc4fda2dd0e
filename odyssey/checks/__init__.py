"""Rules over settings, templates, an image and a model: what a deployment would stumble on."""
