# The product: one image, run as `holdfast webhook` and as `holdfast worker`.
#   docker build --tag holdfast/holdfast .
# Where pip has no network inside a build, fill a folder with `pip download --requirement requirements/holdfast.txt` and
# add: --build-context wheels=FOLDER --build-arg PIP_ARGS=--no-index

FROM scratch AS wheels
COPY requirements/holdfast.txt /

FROM debian:trixie-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates python3-pip
COPY requirements/holdfast.txt /build/
ARG PIP_ARGS=
RUN --mount=type=bind,from=wheels,target=/wheels \
    python3 -m pip install --no-cache-dir --no-compile --no-deps --only-binary :all: --require-hashes \
    --find-links /wheels $PIP_ARGS --target /packages --requirement /build/holdfast.txt \
 && rm --recursive /packages/bin
# Of the Kubernetes client only configuration, authentication and transport are used; its 1,600 generated modules are
# more than all the rest together. Byte code is made here, since nothing can be written at run time.
RUN find /packages/kubernetes -path '*/client/api/*.py' ! -name __init__.py -delete \
 && find /packages/kubernetes -path '*/client/models/*.py' ! -name __init__.py -delete \
 && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /packages

FROM debian:trixie-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 \
 && rm --recursive --force /var/lib/apt/lists/* /var/cache/* /var/log/*
COPY --from=build /packages /usr/local/lib/python3.13/dist-packages
COPY app /usr/local/lib/python3.13/dist-packages/app
RUN printf '#!/usr/bin/python3\nfrom app.cli import main\nmain()\n' > /usr/local/bin/holdfast \
 && chmod 0755 /usr/local/bin/holdfast \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /usr/local/lib/python3.13/dist-packages/app
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["holdfast"]
