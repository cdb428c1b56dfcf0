"""The messages of proto/, as Python has them."""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile

PROTOS = ["rocketmq/clientmanager/v1/client_manager.proto", "rocketmq/clientmanager/v1/admin.proto"]


def missing():
    """What is not installed that the attacks need; None if all is there."""
    for module, package in (("grpc", "python3-grpcio"), ("google.protobuf", "python3-protobuf"),
                            ("hpack", "python3-hpack"), ("hyperframe", "python3-hyperframe")):
        try:
            importlib.import_module(module)
        except ImportError:
            return package
    for program, package in ("protoc", "protobuf-compiler"), ("grpc_python_plugin", "protobuf-compiler-grpc"):
        if not shutil.which(program):
            return package
    return None


def generate():
    """Makes the stubs, in a folder that programs started from here know too."""
    here = os.path.dirname(os.path.realpath(__file__))
    source = next(root for root in (os.path.join(here, "../../proto"), "proto") if os.path.isdir(root))
    folder = tempfile.mkdtemp(prefix="attacks-stubs-")
    subprocess.run(["protoc", "-I" + source, "--python_out=" + folder, "--grpc_python_out=" + folder,
                    "--plugin=protoc-gen-grpc_python=" + shutil.which("grpc_python_plugin"), *PROTOS], check=True)
    os.environ["PYTHONPATH"] = folder + ":" + os.environ.get("PYTHONPATH", "")
    sys.path.insert(0, folder)
    return folder


def load_admin():
    """The messages of ClientManagerAdmin."""
    return importlib.import_module("rocketmq.clientmanager.v1.admin_pb2")


def load():
    """The messages and the stubs of ClientManager; after generate(), here or in the parent."""
    package = "rocketmq.clientmanager.v1."
    return (importlib.import_module(package + "client_manager_pb2"),
            importlib.import_module(package + "client_manager_pb2_grpc"))
