-- What functions find in `wasi:config/store`.

CREATE TABLE settings (
    function_id TEXT   NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    name        TEXT   NOT NULL,
    -- UTF-8; of a secret a nonce, the sealed text and a tag
    value       BLOB   NOT NULL,
    is_secret   BIGINT NOT NULL,
    PRIMARY KEY (function_id, name)
);
