"""The project's pipelines."""

from kedro.pipeline import Pipeline, node

from .nodes import clean, train


def register_pipelines():
    """Each pipeline by its name."""
    steps = [
        node(clean, "measurements", "cleaned", name="clean"),
        node(train, ["cleaned", "params:weight"], "model", name="train"),
    ]
    return {"__default__": Pipeline(steps)}
