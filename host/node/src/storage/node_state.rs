//! What a backup of a node has of the database as a whole: all functions by name, the snapshots that are
//! kept, and what all functions used.

use sqlx::{Row, Sqlite, Transaction};

use super::StorageError;
use super::database::Database;
use super::usage::{Amounts, UsageKey, usage_of};

impl Database {
    /// All functions: tenant, id and name.
    pub(crate) async fn all_functions(&self) -> Result<Vec<(u64, String, String)>, StorageError> {
        let rows = sqlx::query("SELECT tenant, id, name FROM functions ORDER BY tenant, id")
            .fetch_all(&self.readers)
            .await?;
        let function = |row: &sqlx::sqlite::SqliteRow| {
            let tenant = row.try_get::<i64, _>("tenant")?.cast_unsigned();
            Ok((tenant, row.try_get("id")?, row.try_get("name")?))
        };
        rows.iter().map(function).collect()
    }

    /// The snapshots of all tenants, oldest first: tenant, id, and the digest of the head.
    pub(crate) async fn all_snapshots(&self) -> Result<Vec<(u64, String, String)>, StorageError> {
        let rows = sqlx::query("SELECT tenant, id, head FROM snapshots ORDER BY id")
            .fetch_all(&self.readers)
            .await?;
        let snapshot = |row: &sqlx::sqlite::SqliteRow| {
            let tenant = row.try_get::<i64, _>("tenant")?.cast_unsigned();
            Ok((tenant, row.try_get("id")?, row.try_get("head")?))
        };
        rows.iter().map(snapshot).collect()
    }

    /// What all functions used, at most `limit` rows, those after `after`.
    pub(crate) async fn all_usage(
        &self,
        after: Option<&UsageKey>,
        limit: u32,
    ) -> Result<Vec<(UsageKey, Amounts)>, StorageError> {
        let rows = sqlx::query(
            "SELECT hour, tenant, function_id, function_name, requests, failures, wall_us, \
             request_bytes, response_bytes, guest_ns, device_ns, launches, device_byte_ms \
             FROM usage WHERE $1 IS NULL OR (hour, tenant, function_id) > ($1, $2, $3) \
             ORDER BY hour, tenant, function_id LIMIT $4",
        )
        .bind(after.map(|key| key.hour))
        .bind(after.map(|key| key.tenant.cast_signed()))
        .bind(after.map(|key| key.function_id.as_str()))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(usage_of).collect()
    }

    /// Begins to add usage and jobs of another node, all of it or nothing.
    pub(crate) async fn begin_state_import(&self) -> Result<StateImport, StorageError> {
        Ok(StateImport(self.writer.begin().await?))
    }
}

/// Usage and jobs that are being added. Dropped, none of it was.
pub(crate) struct StateImport(pub(super) Transaction<'static, Sqlite>);

impl StateImport {
    /// Adds what a function used in an hour, unless that is known: what was imported is not added
    /// again. Returns whether it was added.
    pub(crate) async fn add_usage(
        &mut self,
        key: &UsageKey,
        amounts: &Amounts,
    ) -> Result<bool, StorageError> {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let added = sqlx::query(
            "INSERT INTO usage (hour, tenant, function_id, function_name, requests, failures, \
             wall_us, request_bytes, response_bytes, guest_ns, device_ns, launches, \
             device_byte_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             ON CONFLICT (hour, tenant, function_id) DO NOTHING",
        )
        .bind(key.hour)
        .bind(key.tenant.cast_signed())
        .bind(&key.function_id)
        .bind(&key.function_name)
        .bind(signed(amounts.requests))
        .bind(signed(amounts.failures))
        .bind(signed(amounts.wall_us))
        .bind(signed(amounts.request_bytes))
        .bind(signed(amounts.response_bytes))
        .bind(signed(amounts.guest_ns))
        .bind(signed(amounts.device_ns))
        .bind(signed(amounts.launches))
        .bind(signed(amounts.device_byte_ms))
        .execute(&mut *self.0)
        .await?;
        Ok(added.rows_affected() > 0)
    }

    /// Makes it so.
    pub(crate) async fn commit(self) -> Result<(), StorageError> {
        Ok(self.0.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::storage::usage::UsageStore;

    #[tokio::test]
    async fn usage_comes_in_pages_and_is_imported_once() {
        let folder = tempfile::tempdir().unwrap();
        let open = async |name: &str| Database::open(&folder.path().join(name)).await.unwrap();
        let (from, to) = (open("from.db").await, open("to.db").await);
        let mut rows = Vec::new();
        for number in 0..23 {
            let key = UsageKey {
                hour: 1000 + number / 10,
                tenant: if number % 2 == 0 { 7 } else { u64::MAX },
                function_id: format!("fn_{number:02}"),
                function_name: "app".to_owned(),
            };
            let amounts = Amounts {
                requests: number.unsigned_abs() + 1,
                device_byte_ms: i64::MAX as u64,
                ..Amounts::default()
            };
            rows.push((key, amounts));
        }
        from.add_usage(&rows).await.unwrap();
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let page = from.all_usage(after.as_ref(), 5).await.unwrap();
            after = page.last().map(|(key, _)| key.clone());
            if page.is_empty() {
                break;
            }
            read.extend(page);
        }
        assert_eq!(read.len(), rows.len());
        for expected in [true, false] {
            let mut import = to.begin_state_import().await.unwrap();
            for (key, amounts) in &read {
                assert_eq!(import.add_usage(key, amounts).await.unwrap(), expected);
            }
            import.commit().await.unwrap();
        }
        assert_eq!(to.all_usage(None, 100).await.unwrap(), read);
        // One that is not committed leaves nothing.
        let other = open("other.db").await;
        let mut import = other.begin_state_import().await.unwrap();
        import.add_usage(&read[0].0, &read[0].1).await.unwrap();
        drop(import);
        assert_eq!(other.all_usage(None, 100).await.unwrap(), []);
    }
}
