//! What functions used, by hour, in the database.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::StorageError;
use super::database::Database;

/// What one function used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    /// Invocations that ended, jobs included.
    pub(crate) requests: u64,
    /// Those of them without a response of the function.
    pub(crate) failures: u64,
    /// From the beginning of each invocation to the end of its response, in microseconds.
    pub(crate) wall_us: u64,
    /// Of bodies that functions read.
    pub(crate) request_bytes: u64,
    /// Of bodies that were sent.
    pub(crate) response_bytes: u64,
    /// In which guests ran, policies included, in nanoseconds.
    pub(crate) guest_ns: u64,
    /// In which the device ran kernels, in nanoseconds.
    pub(crate) device_ns: u64,
    /// Launches of kernels.
    pub(crate) launches: u64,
    /// Bytes of the device's memory, times milliseconds for which they were held.
    pub(crate) device_byte_ms: u64,
}

/// Which function used something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UsageKey {
    /// Hours since 1970, UTC.
    pub(crate) hour: i64,
    pub(crate) tenant: u64,
    pub(crate) function_id: String,
    pub(crate) function_name: String,
}

/// A row that has all columns of the table.
pub(super) fn usage_of(row: &SqliteRow) -> Result<(UsageKey, Amounts), StorageError> {
    let number = |column: &str| -> Result<u64, StorageError> {
        Ok(row.try_get::<i64, _>(column)?.cast_unsigned())
    };
    let key = UsageKey {
        hour: row.try_get("hour")?,
        tenant: number("tenant")?,
        function_id: row.try_get("function_id")?,
        function_name: row.try_get("function_name")?,
    };
    let amounts = Amounts {
        requests: number("requests")?,
        failures: number("failures")?,
        wall_us: number("wall_us")?,
        request_bytes: number("request_bytes")?,
        response_bytes: number("response_bytes")?,
        guest_ns: number("guest_ns")?,
        device_ns: number("device_ns")?,
        launches: number("launches")?,
        device_byte_ms: number("device_byte_ms")?,
    };
    Ok((key, amounts))
}

impl Amounts {
    pub(crate) fn add(&mut self, other: Amounts) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.wall_us += other.wall_us;
        self.request_bytes += other.request_bytes;
        self.response_bytes += other.response_bytes;
        self.guest_ns += other.guest_ns;
        self.device_ns += other.device_ns;
        self.launches += other.launches;
        self.device_byte_ms = self.device_byte_ms.saturating_add(other.device_byte_ms);
    }
}

/// What functions used.
#[async_trait]
pub(crate) trait UsageStore: Send + Sync {
    /// Adds what functions used, all of it or nothing.
    async fn add_usage(&self, usage: &[(UsageKey, Amounts)]) -> Result<(), StorageError>;

    /// Removes what was used before this hour.
    async fn remove_usage_before(&self, hour: i64) -> Result<(), StorageError>;

    /// What a tenant's functions used in these hours, the last one left out, at most `limit`
    /// rows, oldest first.
    async fn usage(
        &self,
        tenant: u64,
        from_hour: i64,
        to_hour: i64,
        limit: u32,
    ) -> Result<Vec<(UsageKey, Amounts)>, StorageError>;
}

#[async_trait]
impl UsageStore for Database {
    async fn add_usage(&self, usage: &[(UsageKey, Amounts)]) -> Result<(), StorageError> {
        let mut transaction = self.writer.begin().await?;
        for (key, amounts) in usage {
            sqlx::query(
                "INSERT INTO usage (hour, tenant, function_id, function_name, requests, failures, \
                 wall_us, request_bytes, response_bytes, guest_ns, device_ns, launches, \
                 device_byte_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                 ON CONFLICT (hour, tenant, function_id) DO UPDATE SET \
                 requests = usage.requests + $5, failures = usage.failures + $6, \
                 wall_us = usage.wall_us + $7, request_bytes = usage.request_bytes + $8, \
                 response_bytes = usage.response_bytes + $9, \
                 guest_ns = usage.guest_ns + $10, device_ns = usage.device_ns + $11, \
                 launches = usage.launches + $12, \
                 device_byte_ms = usage.device_byte_ms + $13",
            )
            .bind(key.hour)
            .bind(key.tenant.cast_signed())
            .bind(&key.function_id)
            .bind(&key.function_name)
            .bind(amounts.requests.cast_signed())
            .bind(amounts.failures.cast_signed())
            .bind(amounts.wall_us.cast_signed())
            .bind(amounts.request_bytes.cast_signed())
            .bind(amounts.response_bytes.cast_signed())
            .bind(amounts.guest_ns.cast_signed())
            .bind(amounts.device_ns.cast_signed())
            .bind(amounts.launches.cast_signed())
            .bind(i64::try_from(amounts.device_byte_ms).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn remove_usage_before(&self, hour: i64) -> Result<(), StorageError> {
        sqlx::query("DELETE FROM usage WHERE hour < $1")
            .bind(hour)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn usage(
        &self,
        tenant: u64,
        from_hour: i64,
        to_hour: i64,
        limit: u32,
    ) -> Result<Vec<(UsageKey, Amounts)>, StorageError> {
        let rows = sqlx::query(
            "SELECT hour, tenant, function_id, function_name, requests, failures, wall_us, request_bytes, \
             response_bytes, guest_ns, device_ns, launches, device_byte_ms FROM usage WHERE tenant = $1 AND hour >= $2 AND hour < $3 \
             ORDER BY hour, function_name, function_id LIMIT $4",
        )
        .bind(tenant.cast_signed())
        .bind(from_hour)
        .bind(to_hour)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(usage_of).collect()
    }
}
