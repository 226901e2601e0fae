-- What functions used of processors and devices, by hour.

-- Nanoseconds in which guests ran.
ALTER TABLE usage ADD COLUMN guest_ns BIGINT NOT NULL DEFAULT 0;
-- Nanoseconds in which the device ran kernels.
ALTER TABLE usage ADD COLUMN device_ns BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN launches BIGINT NOT NULL DEFAULT 0;
-- Bytes of the device's memory times milliseconds for which they were held.
ALTER TABLE usage ADD COLUMN device_byte_ms BIGINT NOT NULL DEFAULT 0;
