"""FuxiCTR's DCN-V2, parallel, rebuilt from its layers as its model zoo does, for the scripts beside it."""

import torch
from fuxictr.pytorch.layers import CrossNetV2, FeatureEmbedding, MLP_Block
from fuxictr.pytorch.models import BaseModel

HIDDEN = [256, 128, 64]
FORM = {"task": "binary_classification", "gpu": -1, "metrics": ["logloss", "AUC"], "verbose": 0}
LOSS = "binary_crossentropy"


class DCNv2(BaseModel):
    """A cross network of three full layers beside an MLP."""

    def __init__(self, fields, width, folder, optimizer, rate, gpu=-1):  # noqa: PLR0917  what its model zoo names
        super().__init__(fields, model_id="DCNv2", model_root=folder, monitor="AUC", **FORM | {"gpu": gpu})
        flat = fields.num_fields * width
        self.embedding_layer = FeatureEmbedding(fields, width)
        self.crossnet = CrossNetV2(flat, 3)
        self.parallel_dnn = MLP_Block(
            input_dim=flat, output_dim=None, hidden_units=HIDDEN, hidden_activations="ReLU", dropout_rates=0
        )
        self.fc = torch.nn.Linear(flat + HIDDEN[-1], 1)
        self.compile(optimizer, LOSS, rate)
        self.reset_parameters()
        self.model_to_device()

    def forward(self, inputs):
        """P(click) under "y_pred"."""
        e = self.embedding_layer(self.get_inputs(inputs), flatten_emb=True)
        z = self.fc(torch.cat([self.crossnet(e), self.parallel_dnn(e)], dim=-1))
        return {"y_pred": self.output_activation(z)}
