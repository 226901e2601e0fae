-- Snapshots of functions. What they are made of is in the store of components, by content; snapshots
-- share what is equal. A row has names of its own for the function, since it outlives it.

CREATE TABLE snapshots (
    id            TEXT   NOT NULL PRIMARY KEY,
    tenant        BIGINT NOT NULL,
    function_id   TEXT   NOT NULL,
    function_name TEXT   NOT NULL,
    -- Milliseconds since 1970, UTC.
    created_at    BIGINT NOT NULL,
    created_by    TEXT,
    -- Header and manifest, by content.
    head          TEXT   NOT NULL,
    -- Of all contents, before they are compressed.
    bytes         BIGINT NOT NULL,
    -- Of the file that is downloaded.
    file_bytes    BIGINT NOT NULL,
    buffers       BIGINT NOT NULL,
    jobs          BIGINT NOT NULL,
    -- The key that has signed it.
    signed_by     TEXT
);

CREATE INDEX snapshots_by_tenant ON snapshots (tenant, id);

CREATE TABLE snapshot_contents (
    snapshot_id TEXT   NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
    digest      TEXT   NOT NULL,
    size_bytes  BIGINT NOT NULL,
    PRIMARY KEY (snapshot_id, digest)
);

CREATE INDEX snapshot_contents_by_digest ON snapshot_contents (digest, snapshot_id);
