# The worker image of thresher: Beam's SDK container of the locked Beam version, with thresher in it.
# Build:  docker build -t thresher .
# Run:    docker run --rm --user "$(id -u)" -v "$PWD:/data" -w /data thresher run recipe.yaml
# On a cluster pass it as Beam's --sdk_container_image: without a command it is Beam's worker.
ARG BEAM_VERSION=2.77.0

# KenLM's trainer is built apart: compilers and headers stay out of the image.
FROM python:3.11-slim-bookworm AS lmplz
WORKDIR /opt/kenlm
COPY models/build_lmplz.sh ./
RUN sh build_lmplz.sh /opt/kenlm

FROM apache/beam_python3.11_sdk:${BEAM_VERSION}

WORKDIR /opt/thresher

# The dependencies change less often than the code: they are a layer of their own.
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY filters ./filters
COPY models ./models
COPY pipelines ./pipelines
COPY training ./training
RUN pip install --no-cache-dir --no-deps . && thresher --version
COPY configs ./configs

COPY --from=lmplz /opt/kenlm/lmplz /opt/kenlm/build_binary /usr/local/bin/

RUN useradd --create-home --uid 10001 thresher
# By number, so that a cluster can see that it is not root.
USER 10001
WORKDIR /home/thresher

COPY --chmod=755 docker-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
