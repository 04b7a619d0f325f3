"""A program that finds its workspace in `config.json`, as azure-ai-ml and hi-ml do. It does not sign in.

Standard input: {"folder"}: the working folder. Standard output: {"azure_ai_ml", "hi_ml"}, each with the three names.
"""

import importlib.abc
import importlib.machinery
import json
import os
import sys
import types
from unittest.mock import MagicMock

from azure.ai.ml import MLClient


class AnyClass(type):
    """The class of a stand-in class, which has every attribute."""

    def __getattr__(cls, name):
        return MagicMock(name=name)


class AnyModule(types.ModuleType):
    """A stand-in for a module that hi-ml imports but does not use to find a workspace."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return AnyClass(name, (), {"__init__": lambda self, *_, **__: None})


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stand-ins for packages that are not installed."""

    PACKAGES = ("azureml", "conda_merge", "pandas", "param")

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.PACKAGES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return AnyModule(spec.name)

    def exec_module(self, module):
        pass


def hi_ml():
    sys.meta_path.insert(0, StandIns())
    bare = types.ModuleType("health_azure")
    bare.__path__ = importlib.util.find_spec("health_azure").submodule_search_locations
    sys.modules["health_azure"] = bare
    utils = importlib.import_module("health_azure.utils")
    # What its `get_ml_client` does with the file.
    return MLClient.from_config(MagicMock(), path=str(utils.resolve_workspace_config_path()))


def names(client):
    return [client.subscription_id, client.resource_group_name, client.workspace_name]


os.chdir(json.load(sys.stdin)["folder"])
json.dump(
    {
        "azure_ai_ml": names(MLClient.from_config(MagicMock())),
        "hi_ml": names(hi_ml()),
    },
    sys.stdout,
)
