"""Asks a router by NVIDIA's tritonclient, over HTTP and over gRPC, and prints what it was answered as one line of JSON.

usage: triton_client.py HTTP_HOST:PORT GRPC_HOST:PORT MODEL
"""

import json
import sys

import numpy
import tritonclient.grpc as grpc
import tritonclient.http as http

http_address, grpc_address, model = sys.argv[1:]

SUBJECTS = numpy.array([b"ann", "b\u00f6b".encode()], dtype=object)
COLOURS = numpy.array([b"red", b"blue"], dtype=object)
SIZES = numpy.array([2.5, numpy.nan], dtype=numpy.float32)
NEW = numpy.array([True, False])


def inputs_of(client_module, *binary):
    sizes = numpy.nan_to_num(SIZES) if binary else SIZES  # JSON has no NaN
    columns = [("subject", SUBJECTS, "BYTES"), ("colour", COLOURS, "BYTES"), ("size", sizes, "FP32"), ("isNew", NEW, "BOOL")]
    made = []
    for name, values, datatype in columns:
        tensor = client_module.InferInput(name, [2], datatype)
        tensor.set_data_from_numpy(values, *binary)
        made.append(tensor)
    return made


def told(client, result):
    def column(name):
        return [one.decode() if isinstance(one, bytes) else one.item() if hasattr(one, "item") else one
                for one in result.as_numpy(name)]

    names = ["score", "version", "arm", "snapshot_position", "staleness_ms", "prediction_id"]
    return {name: column(name) for name in names}


answers = {}
for name, client in (
    ("http", http.InferenceServerClient(http_address)),
    ("grpc", grpc.InferenceServerClient(grpc_address)),
):
    metadata = client.get_model_metadata(model)
    server = client.get_server_metadata()
    try:
        client.infer("nothing", inputs_of(http if name == "http" else grpc))
        refusal = None
    except (http.InferenceServerException, grpc.InferenceServerException) as error:
        refusal = error.message()
    answers[name] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "modelReady": client.is_model_ready(model),
        "versionReady": client.is_model_ready(model, "1"),
        "server": server["name"] if name == "http" else server.name,
        "inputs": [one["name"] for one in metadata["inputs"]] if name == "http" else [one.name for one in metadata.inputs],
        "binary": told(client, client.infer(model, inputs_of(http if name == "http" else grpc), request_id="r1")),
        "pinned": told(client, client.infer(model, inputs_of(http if name == "http" else grpc), model_version="1")),
        "refusal": refusal,
    }
    if name == "http":
        outputs = [http.InferRequestedOutput("score", binary_data=False), http.InferRequestedOutput("arm")]
        mixed = client.infer(model, inputs_of(http, False), outputs=outputs, request_id="r2")
        answers["json"] = {
            "id": mixed.get_response()["id"],
            "score": mixed.as_numpy("score").tolist(),
            "arm": [one.decode() for one in mixed.as_numpy("arm")],
        }
    client.close()
print(json.dumps(answers))
