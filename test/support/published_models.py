"""Trains models with scikit-learn and LightGBM and prints their ONNX files (skl2onnx, onnxmltools), signatures and probabilities of some rows as JSON."""

import base64
import json

import numpy
from lightgbm import LGBMClassifier
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloatTensorType
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = numpy.random.default_rng(7)
size = rng.normal(5, 2, 400).astype(numpy.float32)
new = rng.integers(0, 2, 400).astype(numpy.float32)
colour = rng.choice(["red", "blue", "green"], 400)
label = (rng.random(400) < 1 / (1 + numpy.exp(-((colour == "red") * 2 + size - 5 - new)))).astype(numpy.int64)

numbers = numpy.stack([size, new], axis=1)
forest = RandomForestClassifier(n_estimators=20, max_depth=6, random_state=1).fit(numbers, label)
forest_file = to_onnx(forest, initial_types=[("X", FloatTensorType([None, 2]))], options={"zipmap": False})

table = numpy.empty((400, 3), dtype=object)
table[:, 0], table[:, 1], table[:, 2] = colour, size, new
steps = ColumnTransformer([("names", OneHotEncoder(handle_unknown="ignore"), [0]), ("numbers", StandardScaler(), [1, 2])])
mixed = make_pipeline(steps, LogisticRegression()).fit(table, label)
types = [
    ("colour", StringTensorType([None, 1])),
    ("size", FloatTensorType([None, 1])),
    ("new", FloatTensorType([None, 1])),
]
mixed_file = to_onnx(mixed, initial_types=types, options={"zipmap": False})
sequences = to_onnx(forest, initial_types=[("X", FloatTensorType([None, 2]))])


boosted = LGBMClassifier(n_estimators=30, max_depth=4, verbose=-1, random_state=1).fit(numbers, label)
boosted_file = convert_lightgbm(
    boosted, initial_types=[("X", ToolsFloatTensorType([None, 2]))], zipmap=False, target_opset=15
)


def told(file, inputs, rows):
    return {
        "onnx": base64.b64encode(file.SerializeToString()).decode(),
        "signature": {"inputs": inputs, "output": {"name": "probabilities"}},
        "probabilities": [float(one) for one in rows],
    }


print(
    json.dumps(
        {
            "rows": [
                {"colour": str(colour[i]), "size": float(size[i]), "isNew": bool(new[i])} for i in range(40)
            ],
            "forest": told(
                forest_file, [{"name": "X", "features": ["size", "isNew"]}], forest.predict_proba(numbers[:40])[:, 1]
            ),
            "boosted": told(
                boosted_file,
                [{"name": "X", "features": ["size", "isNew"]}],
                boosted.predict_proba(numbers[:40])[:, 1],
            ),
            "mixed": told(
                mixed_file,
                [
                    {"name": "colour", "features": ["colour"]},
                    {"name": "size", "features": ["size"]},
                    {"name": "new", "features": ["isNew"]},
                ],
                mixed.predict_proba(table[:40])[:, 1],
            ),
            "sequences": {
                "onnx": base64.b64encode(sequences.SerializeToString()).decode(),
                "outputs": [one.name for one in sequences.graph.output],
            },
        }
    )
)
