"""What tests of ONNX graphs begin with."""

import onnx
import pytest
from onnx_models import resnet_50


@pytest.fixture(scope="module")
def resnet() -> onnx.ModelProto:
    return resnet_50()
