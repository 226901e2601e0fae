-- The only servers that a function may send HTTP requests to, of those that the operator grants:
-- JSON, a list of HOST or HOST:PORT. NULL for all of these.

ALTER TABLE functions ADD COLUMN outgoing_hosts TEXT;
