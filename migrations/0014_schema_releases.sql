-- Who may work on the schema: for each migration the release that has applied it, and the oldest release
-- that can work on what it left. A release asks about the migrations that it does not know itself.
CREATE TABLE schema_releases (
    migration  BIGINT NOT NULL PRIMARY KEY,
    applied_by TEXT   NOT NULL,
    oldest     TEXT   NOT NULL
);
