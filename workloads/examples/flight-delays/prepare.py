"""Join 336,776 flights with the weather at departure and the aircraft that flew, and keep what is known beforehand."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import ray

SOURCE = Path(os.environ.get("FLIGHT_DATA", "/opt/flight-delays/data"))
TARGET = Path(os.environ["SOLOIST_RUN_STORAGE"]) / "flights"

FLIGHTS = [
    "month", "day", "sched_dep_time", "sched_arr_time", "arr_delay", "carrier", "tailnum", "origin",
    "dest", "distance", "time_hour",
]  # fmt: skip
WEATHER = [
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
]
PLANES = ["plane_year", "seats", "engines"]


def minutes(clock: pd.Series) -> pd.Series:
    """Minutes since midnight of a local time written as 1745."""
    return clock // 100 * 60 + clock % 100


class Join:
    """Joins one block of flights. Weather and planes are small (1 MB), so every task holds them whole: no shuffle.

    The weather is joined on `time_hour`, the hour in UTC. The local hour is no key: it comes twice on the
    night the clocks go back. What is known only after departure (actual times, departure delay, air time)
    is never read.
    """

    def __init__(self, weather: pd.DataFrame, planes: pd.DataFrame) -> None:
        self.weather = weather
        self.planes = planes

    def __call__(self, block: pa.Table) -> pd.DataFrame:
        flights = block.to_pandas()
        flights = flights[
            flights["arr_delay"].notna()
        ]  # cancelled and diverted flights never arrived
        joined = flights.merge(self.weather, on=["origin", "time_hour"], how="left", validate="m:1")
        joined = joined.merge(self.planes, on="tailnum", how="left", validate="m:1")
        departure, arrival = minutes(joined["sched_dep_time"]), minutes(joined["sched_arr_time"])
        days = pd.to_datetime({"year": 2013, "month": joined["month"], "day": joined["day"]})
        return joined.assign(
            weekday=days.dt.day_of_week.astype("int64"),
            departure_minute=departure,
            # Between two local clocks: wrong by the time difference, but always by the same for a route.
            scheduled_minutes=(arrival - departure) % (24 * 60),
        ).drop(columns=["tailnum", "sched_dep_time", "sched_arr_time", "time_hour", "day"])


def main() -> None:
    ray.init(address=os.environ.get("RAY_ADDRESS"), log_to_driver=False)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.use_datasource_v2 = (
        False  # its listing stage starts one more worker: 4 s on one core, for one file
    )
    weather = pd.read_parquet(SOURCE / "weather.parquet", columns=["origin", "time_hour", *WEATHER])
    planes = pd.read_parquet(
        SOURCE / "planes.parquet", columns=["tailnum", "year", "seats", "engines"]
    )
    planes = planes.rename(columns={"year": "plane_year"})
    flights = ray.data.read_parquet(str(SOURCE / "flights.parquet"), columns=FLIGHTS)
    joined = flights.map_batches(Join(weather, planes), batch_format="pyarrow", batch_size=None)
    joined.write_parquet(str(TARGET), mode="overwrite")

    result = pd.read_parquet(TARGET, columns=["arr_delay", "temp", "plane_year"])
    print(
        f"{len(result):,} flights arrived; {result['temp'].notna().mean():.1%} have weather, "
        f"{result['plane_year'].notna().mean():.1%} a known aircraft. They are in {TARGET}."
    )


if __name__ == "__main__":
    main()
