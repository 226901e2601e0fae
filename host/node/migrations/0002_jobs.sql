-- Jobs: invocations that nobody waits for. Times are milliseconds since 1970, UTC.

CREATE TABLE jobs (
    id              TEXT   NOT NULL PRIMARY KEY,
    tenant          BIGINT NOT NULL,
    function_id     TEXT   NOT NULL,
    function_name   TEXT   NOT NULL,
    -- pending, running, succeeded, failed, cancelled, lost
    state           TEXT   NOT NULL,
    -- How often it was run.
    attempts        BIGINT NOT NULL,
    max_attempts    BIGINT NOT NULL,
    -- Before the second attempt, in milliseconds; twice as much before each one after it.
    backoff_ms      BIGINT NOT NULL,
    -- How often the node ended while it ran.
    interruptions   BIGINT NOT NULL,
    -- What becomes of it where the node ends while it runs: run, lost
    on_restart      TEXT   NOT NULL,
    created_by      TEXT,
    created_at      BIGINT NOT NULL,
    -- No attempt begins before.
    due_at          BIGINT NOT NULL,
    started_at      BIGINT,
    finished_at     BIGINT,
    method          TEXT   NOT NULL,
    -- As the function sees it.
    uri             TEXT   NOT NULL,
    -- JSON: pairs of name and bytes
    headers         TEXT   NOT NULL,
    status          BIGINT,
    result_headers  TEXT,
    error_kind      TEXT,
    error_message   TEXT,
    idempotency_key TEXT,
    -- Of everything that the client asked for.
    request_digest  TEXT   NOT NULL,
    UNIQUE (tenant, function_id, idempotency_key)
);

CREATE INDEX jobs_by_state ON jobs (state, tenant, due_at);
CREATE INDEX jobs_by_tenant ON jobs (tenant, id);

-- Bodies apart, so that lists do not read them.
CREATE TABLE job_bodies (
    job_id    TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- request, result
    kind      TEXT   NOT NULL,
    body      BLOB   NOT NULL,
    PRIMARY KEY (job_id, kind)
);
