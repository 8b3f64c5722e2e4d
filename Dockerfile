# One image for all programs: docker run onboarding worker, … webhookbridge, and so on. It holds one static binary, the
# certificates of the usual authorities and time zones; no shell and no secret.

FROM --platform=$BUILDPLATFORM golang:1.26.8-alpine AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ENV GOCACHE=/tmp/go-build
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/tmp/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/onboarding ./cmd/onboarding \
    && mkdir /out/data /out/keys

FROM gcr.io/distroless/static-debian12:nonroot@sha256:d093aa3e30dbadd3efe1310db061a14da60299baff8450a17fe0ccc514a16639
COPY --from=build /out/onboarding /onboarding
# Named volumes mounted here take over the owner, so that the sandbox and keys may write into theirs.
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/keys /keys
USER 65532:65532
ENTRYPOINT ["/onboarding"]
CMD ["--help"]
