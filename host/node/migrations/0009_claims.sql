-- How often a job was taken to be run: an attempt that ends names the claim that it ran by, so that
-- one whose end was written late, or twice, ends no other.

ALTER TABLE jobs ADD COLUMN claims BIGINT NOT NULL DEFAULT 0;
