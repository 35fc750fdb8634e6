"""FuxiCTR's way from rows to a fitted DCN-V2: {"train", "test", "columns", "seeds", "width", "batch", "rate", "out"}.

`train` and `test` are Parquet files of text columns and a label `y`. Its feature processor learns the vocabularies (a
value seen once is unseen: better for it here than keeping it) and encodes, its loader reads the arrays back, its `fit`
runs one epoch with Adam, judges `test`, and keeps and reads the best weights. P(click) of the test rows by seed go to
`out`, a .npy of [seeds, rows]; CPU seconds of preparing, and of each fit with the reading of its arrays, are printed.
"""

import json
import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path

try:
    import numpy as np
    import torch
    from fuxictr.preprocess import FeatureProcessor
    from fuxictr.pytorch.dataloaders.npz_dataloader import NpzDataLoader
    from fuxictr_dcn_v2 import DCNv2
except ImportError as absent:
    print(absent, file=sys.stderr)
    sys.exit(3)


def prepared(order, folder):
    """Its feature map, and the encoded files."""
    column = {"active": True, "dtype": "str", "type": "categorical", "padding_idx": 0, "fill_na": ""}
    processor = FeatureProcessor(
        feature_cols=[{"name": name, **column} for name in order["columns"]],
        label_col={"name": "y", "dtype": "float"},
        dataset_id="rows",
        data_root=folder,
    )
    files = {}
    for part in ("train", "test"):
        rows = processor.preprocess(processor.read_data(order[part], data_format="parquet"))
        if part == "train":
            processor.fit(rows, min_categr_count=2)
        found = processor.transform({name: np.asarray(one) for name, one in rows.collect().to_dict().items()})
        files[part] = str(Path(folder) / f"{part}.npz")
        np.savez(files[part], **found)
    return processor.feature_map, files


def fitted(fields, files, order, folder):
    """P(click) of the test rows after one epoch."""

    def loader(part, batch, shuffle):
        return NpzDataLoader(fields, files[part], batch_size=batch, shuffle=shuffle, num_workers=0)

    model = DCNv2(fields, order["width"], folder, "adam", order["rate"])
    model.fit(loader("train", order["batch"], True), epochs=1, validation_data=loader("test", 4096, False))
    return model.predict(loader("test", 4096, False))


def main():
    """Read the order, prepare, fit by seed, print the seconds."""
    order = json.loads(sys.argv[1])
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        fields, files = prepared(order, folder)
        preparing, found, fits = time.process_time() - start, [], []
        for seed in order["seeds"]:
            torch.manual_seed(seed)
            start = time.process_time()
            found.append(fitted(fields, files, order, folder))
            fits.append(time.process_time() - start)
    np.save(order["out"], np.stack(found))
    print(json.dumps({"preparing": preparing, "fits": fits}))


if __name__ == "__main__":
    main()
