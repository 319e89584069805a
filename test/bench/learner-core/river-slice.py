"""`river-slice.py FILE ROWS ALPHA BETA L1 L2 BITS CROSS…`: the rows through River's own pipeline; prints rows and log-loss as JSON.

A cross is two column letters. Lines are those of row-text.ts.
"""

import itertools
import json
import math
import sys

from river import compose, linear_model, optim, preprocessing

file, rows, alpha, beta, l1, l2, bits, *crosses = sys.argv[1:]


def read(line):
    """Returns the label, the numeric and the categorical features, crosses written out."""
    label, *spaces = line.rstrip("\n").split("|")
    numbers, names = {}, {}
    for space in spaces:
        if space.startswith("f"):
            for token in space[1:].split():
                if token[1] == ":":
                    numbers[token[0]] = float(token[2:])
                else:
                    names[token[0]] = token[2:]
        else:
            names[space[0]] = space[1:].strip()
    for a, b in crosses:
        if a in names and b in names:
            names[a + b] = f"{names[a]}*{names[b]}"
    return int(label) > 0, {**{f"n{name}": value for name, value in numbers.items()}, **names}


optimizer = optim.FTRLProximal(alpha=float(alpha), beta=float(beta), l1=float(l1), l2=float(l2))
numeric = compose.SelectType(float) | preprocessing.StandardScaler()
categorical = compose.SelectType(str) | preprocessing.FeatureHasher(n_features=2 ** int(bits), seed=1)
model = (numeric + categorical) | linear_model.LogisticRegression(optimizer=optimizer)

count, loss = 0, 0.0
with open(file, encoding="utf-8") as lines:
    for line in itertools.islice(lines, int(rows)):
        label, row = read(line)
        score = model.predict_proba_one(row).get(True, 0.5)
        model.learn_one(row, label)
        loss -= math.log(max(math.exp(-50), score if label else 1 - score))
        count += 1
print(json.dumps({"rows": count, "logLoss": loss / count if count else None}))
