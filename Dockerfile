# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
WORKDIR /src
# Shown at the start: docker build --build-arg GATEWRIGHT_COMMIT="$(git rev-parse --short HEAD)" .
ARG GATEWRIGHT_COMMIT
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin gatewright \
    && cp target/release/gatewright /gatewright

FROM debian:bookworm-slim
# The roots by which `outbound` proves the servers it fetches from.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*

# A number that `secrets` in docker-compose.yml, and any orchestrator, can name.
RUN useradd --system --uid 65532 --home-dir /var/lib/gatewright --create-home gatewright \
    && install -d -o gatewright -g gatewright -m 700 /var/lib/gatewright/keys
COPY --from=build /gatewright /usr/local/bin/gatewright
COPY deploy/healthcheck /usr/local/bin/healthcheck

USER gatewright
WORKDIR /var/lib/gatewright
ENV GATEWRIGHT_HTTP__LISTEN=0.0.0.0:8080 \
    GATEWRIGHT_KEYS__DIR=/var/lib/gatewright/keys
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["healthcheck", "8080"]
ENTRYPOINT ["gatewright"]
CMD ["serve"]
