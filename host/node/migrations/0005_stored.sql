-- What each tenant stores, in bytes: the components of its versions, and the bodies of its jobs with
-- a share for each row. Kept as a sum, which is changed with what it counts.

CREATE TABLE stored (
    tenant BIGINT NOT NULL PRIMARY KEY,
    bytes  BIGINT NOT NULL
);

ALTER TABLE jobs ADD COLUMN stored_bytes BIGINT NOT NULL DEFAULT 0;

UPDATE jobs SET stored_bytes = 1024 + COALESCE(
    (SELECT SUM(LENGTH(body)) FROM job_bodies WHERE job_id = jobs.id), 0
);

INSERT INTO stored (tenant, bytes)
SELECT tenant, SUM(bytes) FROM (
    SELECT functions.tenant AS tenant, versions.size_bytes AS bytes
    FROM versions JOIN functions ON functions.id = versions.function_id
    UNION ALL
    SELECT tenant, stored_bytes AS bytes FROM jobs
) AS counted GROUP BY tenant;

CREATE INDEX jobs_by_end ON jobs (finished_at);
