"""The sample table: one row an impression, with labels, their times, and the features as columns.

Whatever the source (an importer, the join of the event log), a sample set is a folder:

    part-00000.parquet ...   the rows, in order of time where the source has time
    samples.json             source, number of rows, the features that the columns declare

Reserved columns (all but `click` may be absent; absent means unknown):

    time_us int64            when the impression happened
    request_id string        which request; rows of one request share it
    user string              pseudonymous key, for GAUC and histories
    scenario string
    position int32           slot, 0 is the best
    propensity float32       of this ad in this slot under the logging policy; null where nothing was random
    weight float32           1 unless the source subsampled
    click float32            0 or 1
    click_time_us int64
    conversion float32       0 or 1; null where the click has not matured yet
    conversion_time_us int64
    conversion_value_micros int64

All others are features, named as in the declaration: strings (dictionary-encoded where long), numbers,
lists of strings (sequences, oldest first), fixed-size lists of float32 (vectors). Null is "missing".
"""

RESERVED = (
    "time_us",
    "request_id",
    "user",
    "scenario",
    "position",
    "propensity",
    "weight",
    "click",
    "click_time_us",
    "conversion",
    "conversion_time_us",
    "conversion_value_micros",
)
