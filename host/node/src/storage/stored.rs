//! What each tenant stores, in bytes: a sum that is changed in the same transaction as what it
//! counts.

use sqlx::SqliteConnection;

use super::StorageError;

/// Adds to what a tenant stores, or takes from it.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    tenant: i64,
    bytes: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO stored (tenant, bytes) VALUES ($1, $2) \
         ON CONFLICT (tenant) DO UPDATE SET bytes = stored.bytes + $2",
    )
    .bind(tenant)
    .bind(bytes)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a tenant may store so many bytes more.
pub(super) async fn has_room(
    connection: &mut SqliteConnection,
    tenant: i64,
    bytes: i64,
    limit: u64,
) -> Result<bool, StorageError> {
    let stored: Option<i64> = sqlx::query_scalar("SELECT bytes FROM stored WHERE tenant = $1")
        .bind(tenant)
        .fetch_optional(connection)
        .await?;
    let sum = stored.unwrap_or(0).saturating_add(bytes);
    Ok(u64::try_from(sum).is_ok_and(|sum| sum <= limit))
}
