"""When time alone could move a band: the instant at which a silent customer has to be looked at again."""

from datetime import datetime

import polars as pl

from services.scoring.domain.evaluator import CompiledModel


def next_changes(compiled: CompiledModel, days: pl.DataFrame, *, as_of: datetime) -> pl.DataFrame:
    """Per customer the earliest instant after `as_of` at which a window edge or an age could move a band.

    `days` is long: `customer_id` (String), `source` (String), `day` (Date, local in the model's zone), in any order,
    repeated rows harmless. Sources are those of the catalogue (`Metric.source`): `purchase` (a purchase day), `since`
    (the day from which the customer's age counts), `complaint`, `contact`, `opinion`, `survey`, `overdue` (due date of an
    unpaid invoice), `rating.<dimension>`. Only days inside the longest window (or the last one) matter; older ones are
    harmless. Answers `customer_id`, `next_change_at` (Datetime, UTC), one row for each customer for whom there is one.
    """
    raise NotImplementedError
