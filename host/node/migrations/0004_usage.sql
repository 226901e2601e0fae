-- What functions used, by hour. A row has a name of its own for the function, since it outlives it.

CREATE TABLE usage (
    -- Hours since 1970, UTC.
    hour           BIGINT NOT NULL,
    tenant         BIGINT NOT NULL,
    function_id    TEXT   NOT NULL,
    function_name  TEXT   NOT NULL,
    requests       BIGINT NOT NULL,
    failures       BIGINT NOT NULL,
    wall_us        BIGINT NOT NULL,
    request_bytes  BIGINT NOT NULL,
    response_bytes BIGINT NOT NULL,
    PRIMARY KEY (hour, tenant, function_id)
);

CREATE INDEX usage_by_tenant ON usage (tenant, hour);
