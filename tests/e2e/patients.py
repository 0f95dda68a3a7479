"""One patient, as a client of the `diabetes` and `minimal` models sends her."""

from __future__ import annotations

from typing import Any

MEASURED = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
PATIENT: dict[str, Any] = {
    "dataframe_split": {
        "columns": list(MEASURED),
        "data": [[0.038, 0.051, 0.062, 0.022, -0.044, -0.035, -0.043, -0.003, 0.020, -0.018]],
    }
}
