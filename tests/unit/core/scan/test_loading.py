"""What loads objects, by whatever name it is called; and what only looks like it."""

from __future__ import annotations

import ast

import pytest

from interlock.core.scan.access import access_findings
from interlock.core.scan.loading import loads

WEAK = (
    "__import__('pick' + 'le').loads(b)",
    "import pickle\ngetattr(pickle, ''.join(['lo', 'ads']))(b)",
    "from ruamel.yaml import YAML\ny = YAML(typ='unsafe')\ny.load(b)",
    "import ruamel.yaml\nruamel.yaml.YAML(typ=['unsafe', 'rt']).load(b)",
    "import multiprocessing.reduction as r\nr.ForkingPickler.loads(b)",
    "from multiprocessing.reduction import ForkingPickler\nForkingPickler.loads(b)",
    "import pickle\nl = pickle.loads\nl(b)",
    "import pickle\nl = pickle.loads\nm = l\ndef f(b):\n    return m(b)",
    "import cPickle as p\np.load(b)",
    "from pickle import loads as unpack\nunpack(b)",
    "import pickle\ngetattr(pickle, 'loads')(b)",
    "__import__('pickle').loads(b)",
    "import importlib\nimportlib.import_module('pickle').loads(b)",
    "m = __import__('marshal')\nm.loads(b)",
    "import pickle\nU = pickle.Unpickler\nU(b).load()",
    "import dill\ndill.loads(b)",
    "import joblib\njoblib.load(b)",
    "import pandas as pd\npd.read_pickle(b)",
    "import yaml\nyaml.unsafe_load(b)",
    "from yaml import load, Loader\nload(b, Loader)",
    "import yaml\nyaml.load(b, yaml.UnsafeLoader)",
    "import numpy as np\nnp.load(b, allow_pickle=True)",
)
HARD = (
    "import json\nl = json.loads\nl(b)",
    "import pickle\nl = pickle.dumps\nl(b)",
    "import pickle\ngetattr(pickle, 'dumps')(b)",
    "__import__('json').loads(b)",
    "import yaml\nyaml.safe_load(b)",
    "import yaml\nyaml.load(b, yaml.SafeLoader)",
    "from yaml import load, CSafeLoader as L\nload(b, Loader=L)",
    "import numpy as np\nnp.load(b)",
    "import numpy as np\nnp.load(b, allow_pickle=False)",
    "def loads(b):\n    return b\nloads(b)",
    "from .pickle import loads\nloads(b)",
)


@pytest.mark.parametrize("code", WEAK)
def test_what_loads_objects(code):
    assert len(list(loads(ast.parse(code)))) == 1


@pytest.mark.parametrize("code", HARD)
def test_what_only_looks_like_it(code):
    assert list(loads(ast.parse(code))) == []


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ("options=dict(verify_signature=False)", ["token-unverified"]),
        ("options=OFF", ["token-unverified"]),
        ("options=dict(verify_signature=True)", []),
        ("options=ON", []),
        ("options=UNKNOWN", []),
    ],
)
def test_how_a_token_is_not_verified(options, rules):
    code = (
        "import jwt\nOFF = {'verify_signature': False}\nON = {'verify_signature': True}\n"
        f"def f(t):\n    return jwt.decode(t, {options})\n"
    )
    assert [one.rule for one in access_findings(ast.parse(code), [], project=None)] == rules
