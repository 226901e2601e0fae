-- Snapshots that arrive in several requests: what has arrived of them, so that it is there after the
-- node has ended and begun again. Their contents are in the store of components.

CREATE TABLE uploads (
    id         TEXT   NOT NULL PRIMARY KEY,
    tenant     BIGINT NOT NULL,
    -- The name that the client gave it.
    name       TEXT   NOT NULL,
    -- Header and manifest, by content.
    head       TEXT   NOT NULL,
    -- How many chunks of the manifest are there, from the first on.
    chunks     BIGINT NOT NULL,
    -- When the last of them came. Milliseconds since 1970, UTC.
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX uploads_by_name ON uploads (tenant, name);

CREATE TABLE upload_contents (
    upload_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    digest    TEXT NOT NULL,
    PRIMARY KEY (upload_id, digest)
);

CREATE INDEX upload_contents_by_digest ON upload_contents (digest);
