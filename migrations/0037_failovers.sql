-- A failover that the operator has declared: until `ends_at` a refresh token may be newer than its grant, if the
-- grant was not refreshed since `failed_over_at`. `lag` is by how much what took over may have been behind.
CREATE TABLE failovers (
    failed_over_at BIGINT NOT NULL PRIMARY KEY,
    lag            BIGINT NOT NULL,
    declared_at    BIGINT NOT NULL,
    ends_at        BIGINT NOT NULL
);
CREATE INDEX failovers_by_end ON failovers (ends_at);
