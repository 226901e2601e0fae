//! The settings of functions in the database. Values are read back as they are; secrets are
//! sealed ([`super::seal`]), and nothing but the function itself reads them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::Row;

use super::StorageError;
use super::database::Database;

/// The settings of one function, by name.
pub(crate) type Settings = BTreeMap<String, Setting>;

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Can be read by whoever may see the function.
    Value(String),
    /// Sealed.
    Secret(Vec<u8>),
}

impl Setting {
    /// Whether nothing but the function itself reads it.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Setting::Secret(_))
    }

    /// What it takes, without its name.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Setting::Value(value) => value.len(),
            Setting::Secret(sealed) => sealed.len(),
        }
    }
}

/// The settings of functions.
#[async_trait]
pub(crate) trait SettingStore: Send + Sync {
    /// The settings of a function.
    async fn settings(&self, function_id: &str) -> Result<Settings, StorageError>;

    /// Replaces all values of a function. Secrets stay.
    async fn set_values(
        &self,
        function_id: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<(), StorageError>;

    /// Sets a secret, in place of whatever has its name.
    async fn set_secret(
        &self,
        function_id: &str,
        name: &str,
        sealed: &[u8],
    ) -> Result<(), StorageError>;

    /// Removes a secret. Whether it was there.
    async fn remove_secret(&self, function_id: &str, name: &str) -> Result<bool, StorageError>;
}

#[async_trait]
impl SettingStore for Database {
    async fn settings(&self, function_id: &str) -> Result<Settings, StorageError> {
        let rows =
            sqlx::query("SELECT name, value, is_secret FROM settings WHERE function_id = $1")
                .bind(function_id)
                .fetch_all(&self.readers)
                .await?;
        let mut settings = Settings::new();
        for row in rows {
            let value: Vec<u8> = row.try_get("value")?;
            let setting = match row.try_get::<i64, _>("is_secret")? {
                0 => {
                    Setting::Value(String::from_utf8(value).map_err(|_| StorageError::Damaged {
                        what: "the value of a setting",
                    })?)
                }
                _ => Setting::Secret(value),
            };
            settings.insert(row.try_get("name")?, setting);
        }
        Ok(settings)
    }

    async fn set_values(
        &self,
        function_id: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<(), StorageError> {
        let mut transaction = self.writer.begin().await?;
        sqlx::query("DELETE FROM settings WHERE function_id = $1 AND is_secret = 0")
            .bind(function_id)
            .execute(&mut *transaction)
            .await?;
        for (name, value) in values {
            sqlx::query(
                "INSERT INTO settings (function_id, name, value, is_secret) VALUES ($1, $2, $3, 0)",
            )
            .bind(function_id)
            .bind(name)
            .bind(value.as_bytes())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn set_secret(
        &self,
        function_id: &str,
        name: &str,
        sealed: &[u8],
    ) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO settings (function_id, name, value, is_secret) VALUES ($1, $2, $3, 1) \
             ON CONFLICT (function_id, name) DO UPDATE SET value = $3, is_secret = 1",
        )
        .bind(function_id)
        .bind(name)
        .bind(sealed)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn remove_secret(&self, function_id: &str, name: &str) -> Result<bool, StorageError> {
        let removed = sqlx::query(
            "DELETE FROM settings WHERE function_id = $1 AND name = $2 AND is_secret = 1",
        )
        .bind(function_id)
        .bind(name)
        .execute(&self.writer)
        .await?;
        Ok(removed.rows_affected() > 0)
    }
}
