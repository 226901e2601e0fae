-- Read-only files that are mounted for functions. What is staged for the next version of the function
-- of a name has version 0; a version has what was staged when it was deployed.

CREATE TABLE assets (
    tenant        BIGINT NOT NULL,
    function_name TEXT   NOT NULL,
    version       BIGINT NOT NULL,
    path          TEXT   NOT NULL,
    digest        TEXT   NOT NULL,
    size_bytes    BIGINT NOT NULL,
    PRIMARY KEY (tenant, function_name, version, path)
);

CREATE INDEX assets_by_digest ON assets (digest, tenant);

ALTER TABLE versions ADD COLUMN asset_files BIGINT NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN asset_bytes BIGINT NOT NULL DEFAULT 0;
