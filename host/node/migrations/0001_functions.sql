-- What SQLite and PostgreSQL both understand. Numbers of tenants are unsigned 64-bit values, kept
-- as the signed ones with the same bits. Times are milliseconds since 1970, UTC.

CREATE TABLE functions (
    id          TEXT   NOT NULL PRIMARY KEY,
    tenant      BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (tenant, name)
);

CREATE TABLE versions (
    function_id TEXT   NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    version     BIGINT NOT NULL,
    digest      TEXT   NOT NULL,
    size_bytes  BIGINT NOT NULL,
    -- JSON
    imports     TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT,
    -- Percent of the requests; 0 for a version that gets none.
    weight      BIGINT NOT NULL,
    PRIMARY KEY (function_id, version)
);

CREATE INDEX versions_by_digest ON versions (digest);
